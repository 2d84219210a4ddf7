import { expect, test } from 'bun:test';
import { Snapshots } from '#api/services/snapshots/v1/snapshots_pb';
import { notImplemented } from '#base/errors';
import { scopeOf } from '#core/scope';
import type { SnapshotInfo, Snapshotter } from '#core/snapshots/snapshotter';
import { faultOf } from '#core/subject';
import { clientOf, withScope } from '../grpc-client.ts';
import { inProcess } from '../in-process.ts';
import { remoteSnapshotter } from './client.ts';
import { serveSnapshots } from './server.ts';

const scope = scopeOf('default', { lease: 'l' });
const at = { seconds: 1_700_000_000, nanos: 1 };
const mounts = [{ type: 'overlay', source: 'overlay', target: '', options: ['index=off', 'lowerdir=/a:/b'] }];
const info = (name: string, kind: SnapshotInfo['kind'] = 'committed'): SnapshotInfo => ({
  name,
  parent: 'p',
  kind,
  labels: { a: 'b' },
  createdAt: at,
  updatedAt: at,
});

function recorder() {
  const calls: unknown[][] = [];
  const answers: Partial<Record<string, unknown>> = {
    stat: info('s', 'view'),
    update: info('u', 'active'),
    usage: { inodes: 5, size: 2 ** 45 },
  };
  const snapshotter = new Proxy({} as Snapshotter, {
    get:
      (_, name: string) =>
      async (asked: typeof scope, ...rest: unknown[]) => {
        calls.push([name, asked.namespace, asked.lease, ...rest]);
        if (name === 'cleanup') throw notImplemented('cleanup');
        return answers[name] ?? mounts;
      },
  });
  return { calls, snapshotter };
}

test('every call arrives as it was made, and its answer comes back', async () => {
  const { calls, snapshotter } = recorder();
  await using server = await inProcess([serveSnapshots(new Map([['native', snapshotter]]))]);
  const remote = remoteSnapshotter(server.transport, 'native');
  expect(await remote.prepare(scope, 'k', 'p', { labels: { x: 'y' } })).toEqual(mounts);
  expect(await remote.view(scope, 'k', '')).toEqual(mounts);
  expect(await remote.mounts(scope, 'k')).toEqual(mounts);
  await remote.commit(scope, 'n', 'k', { labels: { x: 'y' }, parent: 'p' });
  await remote.commit(scope, 'n', 'k');
  await remote.remove(scope, 'k');
  expect(await remote.stat(scope, 's')).toEqual(info('s', 'view'));
  expect(await remote.update(scope, { name: 'u', labels: { x: '' } }, ['labels.x'])).toEqual(info('u', 'active'));
  expect(await remote.usage(scope, 'k')).toEqual({ inodes: 5, size: 2 ** 45 });
  expect(await faultOf(remote.cleanup(scope))).toBe('not_implemented');
  expect(calls.map(([name, ...rest]) => [name, ...rest.slice(2)])).toEqual([
    ['prepare', 'k', 'p', { labels: { x: 'y' } }],
    ['view', 'k', '', { labels: {} }],
    ['mounts', 'k'],
    ['commit', 'n', 'k', { labels: { x: 'y' }, parent: 'p' }],
    ['commit', 'n', 'k', { labels: {} }],
    ['remove', 'k'],
    ['stat', 's'],
    ['update', { name: 'u', labels: { x: '' } }, ['labels.x']],
    ['usage', 'k'],
    ['cleanup'],
  ]);
  expect(calls.every(([, namespace, lease]) => namespace === 'default' && lease === 'l')).toBe(true);
});

test('a list comes in blocks of a hundred, whole and in order', async () => {
  const all = Array.from({ length: 250 }, (_, i) => info(`s${i}`));
  const { snapshotter } = recorder();
  const filters: unknown[] = [];
  const walking = {
    ...snapshotter,
    async *walk(_: unknown, given?: readonly string[]) {
      filters.push(given);
      yield* all;
    },
  } as Snapshotter;
  await using server = await inProcess([serveSnapshots(new Map([['native', walking]]))]);
  const found: SnapshotInfo[] = [];
  for await (const each of remoteSnapshotter(server.transport, 'native').walk(scope, ['kind==active']))
    found.push(each);
  expect(found).toEqual(all);
  const sizes: number[] = [];
  const blocks = clientOf(Snapshots, server.transport).list({ snapshotter: 'native' }, withScope(scope));
  for await (const block of blocks) sizes.push(block.info.length);
  expect(sizes).toEqual([100, 100, 50]);
  expect(filters).toEqual([['kind==active'], []]);
});

test('a snapshotter that is not there, or not named, is a bad argument', async () => {
  await using server = await inProcess([serveSnapshots(new Map())]);
  for (const name of ['', 'zfs']) {
    expect(await faultOf(remoteSnapshotter(server.transport, name).stat(scope, 'k'))).toBe('invalid_argument');
  }
});
