import { expect, test } from 'bun:test';
import { ingest } from '#core/content/content.suite';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { MemorySnapshotter } from './memory-snapshotter.fixture.ts';
import { openTestMetadata, type Published } from './metadata.fixture.ts';

const a = scopeOf('a');
const digest = digestOf('x');

/** A string field of a protobuf message, written by hand: number and bytes. */
function text(number: number, value: string): string {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]).toString('latin1');
}

const shown = ({ namespace, topic, event }: Published) => [
  `${namespace} ${topic} ${event.typeUrl}`,
  Buffer.from(event.value).toString('latin1'),
];

test('images, containers and namespaces are announced in the bytes of the interface', async () => {
  await using opened = await openTestMetadata();
  const { images, containers, namespaces } = opened.metadata;
  await namespaces.create({ name: 'a', labels: { k: 'v' } });
  await namespaces.update({ name: 'a', labels: {} });
  const image = { name: 'i', target: { mediaType: 'm', digest, size: 1 }, labels: { k: 'v' } };
  await images.create(a, image);
  await images.update(a, image, ['labels']);
  await images.delete(a, 'i');
  const container = {
    ...{ id: 'c', labels: { k: 'v' }, image: 'i', snapshotter: 's', snapshotKey: 'y', extensions: {}, sandboxId: '' },
    ...{ runtime: { name: 'r', options: { typeUrl: 't', value: Buffer.from('o') } } },
    spec: { typeUrl: 's', value: new Uint8Array() },
  };
  await containers.create(a, container);
  await containers.update(a, container);
  await containers.delete(a, 'c');
  await namespaces.delete('a');
  const label = (number: number) => text(number, text(1, 'k') + text(2, 'v'));
  const runtime = text(1, 'r') + text(2, text(1, 't') + text(2, 'o'));
  expect(opened.published.map(shown)).toEqual([
    ['a /namespaces/create containerd.events.NamespaceCreate', text(1, 'a') + label(2)],
    ['a /namespaces/update containerd.events.NamespaceUpdate', text(1, 'a')],
    ['a /images/create containerd.services.images.v1.ImageCreate', text(1, 'i') + label(2)],
    ['a /images/update containerd.services.images.v1.ImageUpdate', text(1, 'i') + label(2)],
    ['a /images/delete containerd.services.images.v1.ImageDelete', text(1, 'i')],
    ['a /containers/create containerd.events.ContainerCreate', text(1, 'c') + text(2, 'i') + text(3, runtime)],
    ['a /containers/update containerd.events.ContainerUpdate', text(1, 'c') + text(2, 'i') + label(3) + text(4, 'y')],
    ['a /containers/delete containerd.events.ContainerDelete', text(1, 'c')],
    ['a /namespaces/delete containerd.events.NamespaceDelete', text(1, 'a')],
  ]);
});

test('content and snapshots are announced; views, and what is refused, are not', async () => {
  await using opened = await openTestMetadata({ snapshotters: new Map([['mem', new MemorySnapshotter()]]) });
  const { content, snapshotters } = opened.metadata;
  const snapshots = snapshotters.get('mem');
  if (snapshots === undefined) throw new Error('no snapshotter');
  await ingest(content, 'x', { in: a });
  expect(await faultOf(content.writer(a, 'again', { expected: digest }))).toBe('already_exists');
  await content.delete(a, digest);
  await snapshots.prepare(a, 'k', '');
  await snapshots.commit(a, 'n', 'k');
  await snapshots.view(a, 'v', 'n');
  expect(await faultOf(snapshots.remove(a, 'n'))).toBe('failed_precondition');
  await snapshots.remove(a, 'v');
  expect(opened.published.map(shown)).toEqual([
    ['a /content/create containerd.events.ContentCreate', `${text(1, digest)}\x10\x01`],
    ['a /content/delete containerd.events.ContentDelete', text(1, digest)],
    ['a /snapshot/prepare containerd.events.SnapshotPrepare', text(1, 'k') + text(5, 'mem')],
    ['a /snapshot/commit containerd.events.SnapshotCommit', text(1, 'k') + text(2, 'n') + text(5, 'mem')],
    ['a /snapshot/remove containerd.events.SnapshotRemove', text(1, 'v') + text(5, 'mem')],
  ]);
});

test('what is announced has happened, and a listener that fails changes nothing', async () => {
  await using opened = await openTestMetadata();
  const { images } = opened.metadata;
  const image = { name: 'i', target: { mediaType: 'm', digest, size: 1 }, labels: {} };
  expect(await faultOf(images.update(a, image))).toBe('not_found');
  expect(opened.published).toEqual([]);
  opened.published.push = () => {
    throw new Error('out of order');
  };
  await images.create(a, image);
  expect(await images.get(a, 'i')).toMatchObject({ name: 'i' });
});

test('a namespace comes by the first write, and stays until it is empty', async () => {
  await using opened = await openTestMetadata({ snapshotters: new Map([['mem', new MemorySnapshotter()]]) });
  const { content, images, leases, namespaces, snapshotters } = opened.metadata;
  await ingest(content, 'x', { in: a });
  await images.create(a, { name: 'i', target: { mediaType: 'm', digest, size: 1 }, labels: {} });
  await snapshotters.get('mem')?.prepare(a, 'k', '');
  await leases.create(a, { id: 'l', labels: {} });
  expect(await namespaces.list()).toEqual([{ name: 'a', labels: {} }]);
  const refusal =
    'namespace "a" must be empty, but it still has images, blobs, snapshots on "mem" snapshotter: failed precondition';
  expect(await namespaces.delete('a').catch((thrown: Error) => thrown.message)).toBe(refusal);
  await images.delete(a, 'i');
  await content.delete(a, digest);
  await snapshotters.get('mem')?.remove(a, 'k');
  await namespaces.delete('a');
  expect(await leases.list(a)).toEqual([]);
  expect(await namespaces.list()).toEqual([]);
});
