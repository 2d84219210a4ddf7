import { expect, test } from 'bun:test';
import { chmodSync } from 'node:fs';
import { startBusyboxDaemon } from '#test/support/busybox-daemon';
import { runCtr } from '#test/support/ctr';
import { leftBehind } from '#test/support/nothing-left';

const overlay = (slowChown: boolean) =>
  `[plugins.'io.containerd.snapshotter.v1.overlayfs']\nslow_chown = ${slowChown}\n`;
const ids = ['--uidmap', '0:100000:65536', '--gidmap', '0:200000:65536'];

test('--remap-labels is refused by a snapshotter that can neither shift ids nor lets clients do it', async () => {
  await using on = await startBusyboxDaemon({ config: overlay(false) });
  const ctr = (...words: string[]) => runCtr(['-a', on.daemon.address, '-n', on.scope.namespace, ...words]);
  const { code, err } = await ctr('run', '--rm', ...ids, '--remap-labels', 'busybox', 'refused', 'true');
  expect(code).toBe(1);
  expect(err).toContain('snapshotter "overlayfs" cannot shift ids');
  expect((await ctr('containers', 'ls', '-q')).out).toBe('');
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
}, 120_000);

test('--remap-labels lets the client shift the files where the snapshotter cannot but allows it', async () => {
  await using on = await startBusyboxDaemon({ config: overlay(true) });
  const ctr = (...words: string[]) => runCtr(['-a', on.daemon.address, '-n', on.scope.namespace, ...words]);
  // The container's root must get to its bundle.
  chmodSync(on.daemon.directory, 0o711);
  const owners = ['stat', '-c', '%u:%g', '/bin/busybox'];
  const { out } = await ctr('run', '--rm', ...ids, '--remap-labels', 'busybox', 'shifted', '/bin/busybox', ...owners);
  expect(out).toBe('0:0\n');
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
}, 120_000);
