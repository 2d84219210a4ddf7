import { expect, test } from 'bun:test';
import { notImplemented } from '#base/errors';
import type { Activation, MountManager } from '#core/mounts/mounts';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { overTheWire } from '../in-process.ts';
import { remoteMounts } from './client.ts';
import { serveMounts } from './server.ts';

const scope = scopeOf('default', { lease: 'l' });
const mount = { type: 'mkfs/loop', source: '/img', target: 't', options: ['ro', 'X-containerd.mkfs.size=1'] };
const activation: Activation = {
  name: 'a',
  active: [{ mount, mountedAt: { seconds: 5, nanos: 6 }, mountPoint: '/t/1/1', data: { device: '/dev/loop1' } }],
  system: [{ type: 'ext4', source: '/t/1/1', target: '', options: [] }],
  labels: { 'containerd.io/gc.bref.container': 'c' },
};

test('everything that is asked of the manager arrives, and so does what it says', async () => {
  const asked: unknown[] = [];
  const told =
    <T>(answer: T) =>
    async (given: { readonly namespace: string; readonly lease?: string }, ...rest: readonly unknown[]) => {
      asked.push([given.namespace, given.lease, ...rest]);
      return answer;
    };
  const manager: MountManager = {
    activate: told(activation),
    deactivate: told(undefined),
    info: told(activation),
    update: told(activation),
    list: told([activation, { ...activation, name: 'b' }]),
  };
  await using subject = await overTheWire(serveMounts(manager), remoteMounts);
  const mounts = subject.store;
  const options = { labels: activation.labels, temporary: true };
  expect(await mounts.activate(scope, 'a', [mount], options)).toEqual(activation);
  await mounts.deactivate(scope, 'a');
  expect(await mounts.info(scope, 'a')).toEqual(activation);
  expect(await mounts.update(scope, { name: 'a', labels: { x: 'y' } }, ['labels.x'])).toEqual(activation);
  expect((await mounts.list(scope, ['name==a'])).map(({ name }) => name)).toEqual(['a', 'b']);
  expect(asked).toEqual([
    ['default', 'l', 'a', [mount], options],
    ['default', 'l', 'a'],
    ['default', 'l', 'a'],
    ['default', 'l', { name: 'a', labels: { x: 'y' } }, ['labels.x']],
    ['default', 'l', ['name==a']],
  ]);
});

test('that there is nothing to do is told as such, and an update needs a name', async () => {
  const never = async () => {
    throw notImplemented('nothing');
  };
  const manager = { activate: never, deactivate: never, info: never, update: never, list: never };
  await using subject = await overTheWire(serveMounts(manager), remoteMounts);
  expect(await faultOf(subject.store.activate(scope, 'a', [mount]))).toBe('not_implemented');
  expect(await faultOf(subject.store.list(scope))).toBe('not_implemented');
});
