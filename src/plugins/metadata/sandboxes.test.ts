import { expect, test } from 'bun:test';
import type { Fault } from '#base/errors';
import { ingest } from '#core/content/content.suite';
import type { NewSandbox } from '#core/sandboxes/sandboxes';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { MemorySnapshotter } from './memory-snapshotter.fixture.ts';
import { openTestMetadata } from './metadata.fixture.ts';

const scope = scopeOf('pods');
const never = new AbortController().signal;
const sandbox = (id: string, labels: NewSandbox['labels'] = {}): NewSandbox => ({
  ...{ id, labels, runtime: { name: 'r' }, sandboxer: 'shim', extensions: {} },
});

test('what the labels of a sandbox refer to is kept, and goes when the labels or the sandbox go', async () => {
  await using opened = await openTestMetadata({ snapshotters: new Map([['mem', new MemorySnapshotter()]]) });
  const { metadata } = opened;
  const snapshots = metadata.snapshotters.get('mem');
  for (const text of ['kept', 'dropped', 'never']) await ingest(metadata.content, text, { in: scope });
  await snapshots?.prepare(scope, 'root', '');
  const label = 'containerd.io/gc.ref';
  const labels = { [`${label}.content.a`]: digestOf('kept'), [`${label}.content.b`]: digestOf('dropped') };
  await metadata.sandboxes.create(scope, sandbox('box', { ...labels, [`${label}.snapshot.mem`]: 'root' }));
  const left = async () => {
    await metadata.collect(never);
    const blobs = ['kept', 'dropped', 'never'].map((text) => faultOf(metadata.content.info(scope, digestOf(text))));
    const found = await Promise.all([...blobs, faultOf(snapshots?.stat(scope, 'root') ?? Promise.reject())]);
    return found.map((fault) => fault === 'none');
  };
  expect(await left()).toEqual([true, true, false, true]);
  await metadata.sandboxes.update(scope, sandbox('box'), [`labels.${label}.content.b`]);
  expect(await left()).toEqual([true, false, false, true]);
  await metadata.sandboxes.delete(scope, 'box');
  expect(await left()).toEqual([false, false, false, false]);
});

test('a change that lets go of something makes a collection due', async () => {
  await using opened = await openTestMetadata();
  const { metadata } = opened;
  const deletions: boolean[] = [];
  using _ = metadata.onMutation(({ deletion }) => deletions.push(deletion));
  await metadata.sandboxes.create(scope, sandbox('box', { 'containerd.io/gc.ref.image': 'i', other: '1' }));
  await metadata.sandboxes.update(scope, sandbox('box'), ['labels.other']);
  await metadata.sandboxes.update(scope, sandbox('box'), ['labels']);
  await metadata.sandboxes.delete(scope, 'box');
  expect(deletions).toEqual([false, false, true, true]);
});

test('a namespace with a sandbox is not deleted', async () => {
  await using opened = await openTestMetadata();
  const { sandboxes, namespaces } = opened.metadata;
  await sandboxes.create(scope, sandbox('box'));
  const refusal: unknown = await namespaces.delete('pods').catch((thrown: unknown) => thrown);
  expect((refusal as Fault).message).toContain('it still has sandboxes: failed precondition');
  await sandboxes.delete(scope, 'box');
  await namespaces.delete('pods');
  expect(await namespaces.list()).toEqual([]);
});

test('a lease that is not there fails the making of a sandbox', async () => {
  await using opened = await openTestMetadata();
  const { sandboxes } = opened.metadata;
  expect(await faultOf(sandboxes.create(scopeOf('pods', { lease: 'none' }), sandbox('box')))).toBe('not_found');
  expect(await sandboxes.list(scope)).toEqual([]);
});
