import { expect, test } from 'bun:test';
import { inProcess } from '#rpc/in-process';
import { startBusyboxDaemon } from '#test/support/busybox-daemon';
import { runCtr } from '#test/support/ctr';
import { leftBehind } from '#test/support/nothing-left';

test('ctr says why blobs, snapshots, images and leases are kept, and plainly when they are not', async () => {
  await using on = await startBusyboxDaemon();
  const { client, scope } = on;
  const ctr = (...words: string[]) => runCtr(['-a', on.daemon.address, '-n', scope.namespace, ...words]);
  const image = await client.images.get(scope, 'busybox');
  const { out } = await ctr('content', 'why', image.target.digest);
  expect(out).toBe(
    `content ${image.target.digest} is kept by 1 chain of references:\n- image busybox\n    → content ${image.target.digest} (target)\n`,
  );
  let top = '';
  for await (const { name, kind } of (await client.snapshotter(scope, '')).walk(scope))
    if (kind === 'committed') top = name;
  const snapshot = await ctr('snapshots', 'why', top);
  expect(snapshot.out).toMatch(
    /^snapshot overlayfs sha256:\w+ is kept by 1 chain of references:\n- image busybox\n.*\(target\)\n.*\(containerd\.io\/gc\.ref\.content\.config\)\n.*→ snapshot overlayfs sha256:\w+ \(containerd\.io\/gc\.ref\.snapshot\.overlayfs\)\n$/,
  );
  expect((await ctr('images', 'why', 'busybox')).out).toContain('- image busybox\n');
  await ctr('leases', 'create', '--id', 'held', '--expires', '1h');
  expect((await ctr('leases', 'why', 'held')).out).toMatch(/- lease held \(until \d{4}-.*Z\)\n$/);
  const none = `sha256:${'0'.repeat(64)}`;
  expect(await ctr('content', 'why', none)).toMatchObject({
    code: 1,
    err: `ctr: content ${none} in namespace ${scope.namespace}: not found\n`,
  });
  const elsewhere = await runCtr(['-a', on.daemon.address, '-n', 'elsewhere', 'content', 'why', image.target.digest]);
  expect(elsewhere.err).toBe(
    `ctr: content ${image.target.digest} in namespace elsewhere (it is in namespace ${scope.namespace}): not found\n`,
  );
  expect((await ctr('content', 'why', 'nonsense')).code).toBe(1);
  expect((await ctr('content', 'why', '--chains', '0', none)).code).toBe(1);
  expect((await ctr('snapshots', 'why')).code).toBe(1);
  await ctr('leases', 'delete', 'held');
  await using other = await inProcess([]);
  expect((await runCtr(['-a', other.address, 'content', 'why', none])).err).toBe(
    'ctr: this daemon cannot say why things are kept: it is not Berth\n',
  );
  expect(await leftBehind(on.daemon, client, scope)).toEqual([]);
}, 120_000);
