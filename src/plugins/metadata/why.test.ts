import { expect, test } from 'bun:test';
import { fromMillis } from '#base/timestamp';
import { ingest } from '#core/content/content.suite';
import type { Node } from '#core/gc/node';
import type { Explanation } from '#core/gc/why';
import type { Metadata } from '#core/metadata';
import { scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { remoteGc } from '#rpc/gc/client';
import { serveGc } from '#rpc/gc/server';
import { inProcess } from '#rpc/in-process';
import { MemorySnapshotter } from './memory-snapshotter.fixture.ts';
import { openTestMetadata } from './metadata.fixture.ts';

const a = scopeOf('a');
const content = (key: string): Pick<Node, 'kind' | 'key'> => ({ kind: 'content', key });
const inWords = ({ chains }: Explanation) =>
  chains.map((links) =>
    links.map(({ kind, key, by, flat }) => `${by}>${flat ? '~' : ''}${kind}:${key.slice(0, 14)}`).join(' '),
  );

async function withImage(
  metadata: Metadata,
): Promise<Record<'layer' | 'config' | 'manifest', ReturnType<typeof digestOf>>> {
  const layer = await ingest(metadata.content, 'layer', { in: a });
  const snapshots = metadata.snapshotters.get('mem') as Snapshotter;
  for (const [name, parent] of [
    ['base', ''],
    ['top', 'base'],
  ] as const) {
    await snapshots.prepare(a, `key of ${name}`, parent);
    await snapshots.commit(a, name, `key of ${name}`);
  }
  const config = await ingest(metadata.content, 'config', {
    in: a,
    labels: { 'containerd.io/gc.ref.snapshot.mem': 'top' },
  });
  const labels = { 'containerd.io/gc.ref.content.config': config, 'containerd.io/gc.ref.content.l.0': layer };
  const manifest = await ingest(metadata.content, 'manifest', { in: a, labels });
  for (const name of ['i', 'j'])
    await metadata.images.create(a, { name, target: { mediaType: 'm', digest: manifest, size: 8 }, labels: {} });
  return { layer, config, manifest };
}

test('every way from a root to an object is told, the shortest first, with what makes each reference', async () => {
  await using opened = await openTestMetadata({ snapshotters: new Map([['mem', new MemorySnapshotter()]]) });
  const { metadata } = opened;
  const { layer, config } = await withImage(metadata);
  const [m, c, l] = ['manifest', 'config', 'layer'].map((text) => `content:${digestOf(text).slice(0, 14)}`);
  const config_ = `containerd.io/gc.ref.content.config>${c}`;
  expect(inWords(await metadata.why(a, content(layer)))).toEqual([
    `>image:i target>${m} containerd.io/gc.ref.content.l.0>${l}`,
    `>image:j target>${m} containerd.io/gc.ref.content.l.0>${l}`,
  ]);
  expect(inWords(await metadata.why(a, { kind: 'snapshot/mem', key: 'base' }, { maxChains: 1 }))).toEqual([
    `>image:i target>${m} ${config_} containerd.io/gc.ref.snapshot.mem>snapshot/mem:top parent>snapshot/mem:base`,
  ]);
  await metadata.leases.create(a, { id: 'lease', labels: { 'containerd.io/gc.flat': '1' } });
  await metadata.leases.addResource(a, 'lease', { type: 'content', id: config });
  const { chains, more } = await metadata.why(a, content(config), { maxChains: 2 });
  expect([chains.length, more]).toEqual([2, true]);
  expect(inWords({ chains } as unknown as Explanation)[0]).toBe(`>lease:lease lease>~${c}`);
  // What a flat lease has does not keep what its labels name.
  for (const name of ['i', 'j']) await metadata.images.delete(a, name);
  expect((await metadata.why(a, { kind: 'snapshot/mem', key: 'top' })).state).toBe('unreferenced');
});

test('roots say until when they are, or which label makes them so', async () => {
  const nowMs = Date.parse('2030-01-01T00:00:00Z');
  await using opened = await openTestMetadata({ now: () => nowMs });
  const { metadata } = opened;
  const expire = { 'containerd.io/gc.expire': '2030-01-02T00:00:00Z' };
  const digest = await ingest(metadata.content, 'x', { in: a, labels: { 'containerd.io/gc.root': 'yes' } });
  await metadata.leases.create(a, { id: 'l', labels: expire });
  await metadata.leases.addResource(a, 'l', { type: 'content', id: digest });
  const { chains } = await metadata.why(a, content(digest));
  expect(chains).toEqual([
    [{ ...content(digest), by: 'containerd.io/gc.root', flat: false }],
    [
      { kind: 'lease', key: 'l', by: '', flat: false, expiresAt: fromMillis(nowMs + 86_400_000) },
      { ...content(digest), by: 'lease', flat: false },
    ],
  ]);
});

test('what is not there, not kept, shared or in use is said so', async () => {
  await using opened = await openTestMetadata({ policy: 'isolated' });
  const { metadata } = opened;
  const digest = await ingest(metadata.content, 'x', { in: a });
  await ingest(metadata.content, 'x', { in: scopeOf('b') });
  expect(await metadata.why(a, content(digest))).toEqual({
    ...{ state: 'unreferenced', chains: [], more: false, inUse: [] },
    sharedWith: ['b'],
  });
  expect(await metadata.why(scopeOf('c'), content(digest))).toMatchObject({ state: 'absent', sharedWith: ['a', 'b'] });
  for (const kind of ['image', 'lease', 'container', 'sandbox', 'ingest', 'snapshot/none', 'other/none'] as const)
    expect((await metadata.why(a, { kind, key: 'x' })).state).toBe('absent');
  await using _writer = await metadata.content.writer(a, 'ref');
  expect((await metadata.why(a, { kind: 'ingest', key: 'ref' })).inUse).toEqual(['being written']);
  await using _reader = await metadata.content.open(a, digest);
  expect((await metadata.why(a, content(digest))).inUse).toEqual(['being read or committed']);
});

test('the same over the wire, where bad questions are refused and waiting ends with the caller', async () => {
  await using opened = await openTestMetadata({ snapshotters: new Map([['mem', new MemorySnapshotter()]]) });
  const { metadata } = opened;
  const { layer } = await withImage(metadata);
  await metadata.leases.create(a, { id: 'l', labels: { 'containerd.io/gc.expire': '2100-01-01T00:00:00Z' } });
  await metadata.leases.addResource(a, 'l', { type: 'content', id: layer });
  await using server = await inProcess([serveGc(metadata)]);
  const remote = remoteGc(server.transport);
  expect(await remote.why(a, content(layer))).toEqual(await metadata.why(a, content(layer)));
  expect(await remote.why(a, content(layer), { maxChains: 1 })).toMatchObject({ more: true });
  expect(await faultOf(remote.why(a, { kind: 'nonsense' as 'content', key: 'x' }))).toBe('invalid_argument');
  expect(await faultOf(remote.why(a, content('')))).toBe('invalid_argument');
  expect(await faultOf(metadata.why(scopeOf('a', { signal: AbortSignal.abort() }), content(layer)))).toBe('canceled');
});

test('references in circles and in thousands of ways end', async () => {
  await using opened = await openTestMetadata();
  const { metadata } = opened;
  const texts = Array.from({ length: 30 }, (_, i) => `blob ${i}`);
  const labels = Object.fromEntries(texts.map((text, i) => [`containerd.io/gc.ref.content.${i}`, digestOf(text)]));
  for (const text of texts) await ingest(metadata.content, text, { in: a, labels });
  await metadata.content.update(a, { digest: digestOf('blob 0'), labels: { 'containerd.io/gc.root': '1' } }, [
    'labels.containerd.io/gc.root',
  ]);
  const { chains, more } = await metadata.why(a, content(digestOf('blob 29')), { maxChains: 5 });
  expect(chains.map((links) => links.length)).toEqual([2, 3, 3, 3, 3]);
  expect(more).toBe(true);
});
