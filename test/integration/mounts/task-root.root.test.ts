import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#base/errors';
import { openClient } from '#client/client';
import { nullIo, uriIo } from '#client/task-io';
import type { Mount } from '#core/mount';
import { faultOf } from '#core/subject';
import { fileOfLoop } from '#sys/loop';
import { mountTable } from '#sys/mountinfo';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { makeContainer } from '#test/support/containers';

const shim = join(import.meta.dirname, '../../../dist/bin/containerd-shim-runc-v2');

/** A root that lies in a file: the image's tree below, a filesystem of its own above. */
function rootOf({ daemon }: BusyboxDaemon, view: readonly Mount[], name: string): Mount[] {
  const disk = join(daemon.root, `${name}.img`);
  return [
    ...view,
    {
      type: 'mkfs/ext4',
      source: disk,
      target: '',
      options: ['loop', 'X-containerd.mkfs.size=16MiB'],
    },
    {
      type: 'format/mkdir/overlay',
      source: 'overlay',
      target: '',
      options: [
        'X-containerd.mkdir.path={{ mount 1 }}/upper:0755',
        'X-containerd.mkdir.path={{ mount 1 }}/work',
        'upperdir={{ mount 1 }}/upper',
        'workdir={{ mount 1 }}/work',
        'lowerdir={{ mount 0 }}',
      ],
    },
  ];
}

async function prepared(kit: BusyboxDaemon, id: string, args: readonly string[], runtime = shim) {
  const { client, scope, top } = kit;
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  await makeContainer(client, scope, id, { top: '', args, runtime });
  const view = await snapshotter.view(scope, `${id}-view`, top, { labels: { 'containerd.io/gc.root': 'test' } });
  return rootOf(kit, view, id);
}

const mountsIn = ({ daemon }: BusyboxDaemon) =>
  mountTable().filter(({ mountpoint }) => mountpoint.startsWith(`${daemon.state}/`)).length;

test("a task's root is mounted by daemon and shim together, over a kill of the daemon, and nothing of it stays", async () => {
  await using kit = await startBusyboxDaemon({ built: false });
  const { client, scope, daemon } = kit;
  const rootfs = await prepared(kit, 'c', [
    '/bin/sh',
    '-c',
    'echo hello >/file; while [ ! -e /stop ]; do usleep 20000; done; cat /file',
  ]);
  const log = join(daemon.directory, 'out');
  const { stdio } = uriIo(`file://${log}`);
  await client.tasks.create(scope, 'c', { ...stdio, rootfs });
  const [activation] = await client.mounts.list(scope);
  expect(activation).toMatchObject({ name: 'c', labels: { 'containerd.io/gc.bref.container': 'c' } });
  expect(activation?.active.map(({ mount }) => mount.type)).toEqual(['bind', 'ext4']);
  await client.tasks.start(scope, 'c', '');
  await daemon.kill();
  await daemon.start();
  await using again = openClient(daemon.address);
  expect(await again.mounts.list(scope)).toEqual([activation as never]);
  const upper = join(activation?.active[1]?.mountPoint ?? '', 'upper');
  expect(readFileSync(join(upper, 'file'), 'utf8')).toBe('hello\n');
  writeFileSync(join(daemon.state, 'unused'), '');
  const process = await again.tasks.state(scope, 'c', '');
  writeFileSync(`/proc/${process.pid}/root/stop`, '');
  expect((await again.tasks.wait(scope, 'c', '')).exitStatus).toBe(0);
  await again.tasks.delete(scope, 'c');
  expect(await again.mounts.list(scope)).toEqual([]);
  expect(mountsIn(kit)).toBe(0);
  expect(readFileSync(log, 'utf8')).toBe('hello\n');
}, 120_000);

test('a shim that cannot be started, a task that cannot be created and a shim that is killed leave nothing mounted', async () => {
  await using kit = await startBusyboxDaemon({ built: false });
  const { client, scope, daemon } = kit;
  const broken = join(daemon.directory, 'containerd-shim-broken-v1');
  writeFileSync(broken, '#!/bin/sh\nexit 1\n');
  chmodSync(broken, 0o755);
  const options = nullIo().stdio;
  const first = await prepared(kit, 'a', ['/bin/true'], broken);
  expect(await faultOf(client.tasks.create(scope, 'a', { ...options, rootfs: first }))).not.toBe('none');
  const second = await prepared(kit, 'b', ['/bin/true']);
  const bad = { type: 'bind', source: '/no/such/place', target: '', options: ['rbind'] };
  expect(await faultOf(client.tasks.create(scope, 'b', { ...options, rootfs: [...second, bad] }))).not.toBe('none');
  expect([await client.mounts.list(scope), mountsIn(kit)]).toEqual([[], 0]);
  const third = await prepared(kit, 'd', ['/bin/sleep', '1000']);
  await client.tasks.create(scope, 'd', { ...options, rootfs: third });
  await client.tasks.start(scope, 'd', '');
  const { pid } = await client.tasks.state(scope, 'd', '');
  const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  process.kill(parent, 'SIGKILL');
  while ((await client.mounts.list(scope)).length > 0) await new Promise((later) => setTimeout(later, 50));
  while (mountsIn(kit) > 0) await new Promise((later) => setTimeout(later, 50));
}, 120_000);

test('an annotation of the shim says what it mounts by itself', async () => {
  await using kit = await startBusyboxDaemon({ built: false });
  const { client, scope, daemon } = kit;
  mkdirSync(join(daemon.directory, 'x'));
  // Tells that it does everything, and is our shim otherwise: which then refuses the mounts, for it cannot.
  const able = join(daemon.directory, 'containerd-shim-able-v1');
  const annotation = 'containerd.io/runtime-allow-mounts';
  const value = 'mkfs/*,format/*,mkdir/*,overlay,ext4';
  const entry = `\\n\\${annotation.length.toString(8)}${annotation}\\022\\${value.length.toString(8)}${value}`;
  const size = 4 + annotation.length + value.length;
  writeFileSync(
    able,
    `#!/bin/sh\n[ "$1" = -info ] && exec printf '*\\${size.toString(8)}${entry}'\nexec ${shim} "$@"\n`,
  );
  chmodSync(able, 0o755);
  const rootfs = await prepared(kit, 'a', ['/bin/true'], able);
  const refused = await client.tasks.create(scope, 'a', { ...nullIo().stdio, rootfs }).then(() => '', messageOf);
  expect(refused).toMatch(/not supported by this shim/);
  expect(await client.mounts.list(scope)).toEqual([]);
}, 120_000);

test('a root in a file is mounted by the shim alone, and its device is free afterwards', async () => {
  await using kit = await startBusyboxDaemon({ built: false });
  const { client, scope, daemon, top } = kit;
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  const [tree] = await snapshotter.view(scope, 'tree', top, { labels: { 'containerd.io/gc.root': 'test' } });
  const disk = join(daemon.directory, 'disk.img');
  writeFileSync(disk, '');
  truncateSync(disk, 16 << 20);
  expect(spawnSync('/sbin/mkfs.ext4', ['-q', '-d', tree?.source as string, disk]).status).toBe(0);
  await makeContainer(client, scope, 'a', { top: '', args: ['/bin/sleep', '1000'], runtime: shim });
  const rootfs = [{ type: 'ext4', source: disk, target: '', options: ['loop', 'rw'] }];
  await client.tasks.create(scope, 'a', { ...nullIo().stdio, rootfs });
  expect(await client.mounts.list(scope)).toEqual([]);
  const row = mountTable().find(({ mountpoint }) => mountpoint.startsWith(`${daemon.state}/`));
  expect([row?.type, row?.source.startsWith('/dev/loop')]).toEqual(['ext4', true]);
  const shown = fileOfLoop(row?.source as string);
  await client.tasks.kill(scope, 'a', { execId: '', signal: 9, all: true });
  await client.tasks.wait(scope, 'a', '');
  await client.tasks.delete(scope, 'a');
  expect(mountsIn(kit)).toBe(0);
  while (fileOfLoop(row?.source as string) === shown) await new Promise((later) => setTimeout(later, 20));
}, 120_000);
