import { expect, test } from 'bun:test';
import { compare } from '#base/timestamp';
import { scopeOf } from '#core/scope';
import { faultOf, type OpenSubject } from '#core/subject';
import type { Container, ContainerStore, NewContainer } from './containers.ts';

const scope = scopeOf('test');
/** Bytes that no text and no canonical message is: they must come back as they are. */
const odd = { typeUrl: 'types.example/Odd', value: Uint8Array.from([0, 255, 10, 0, 8, 0x80, 0x80, 0]) };
const spec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: Buffer.from('{ "a":1}') };
const container = (id: string, more: Partial<NewContainer> = {}): NewContainer => ({
  id,
  labels: {},
  image: 'docker.io/library/a:1',
  runtime: { name: 'io.containerd.runc.v2' },
  spec,
  snapshotter: 'overlayfs',
  snapshotKey: id,
  extensions: {},
  sandboxId: '',
  ...more,
});
const ids = (containers: readonly Container[]) => containers.map(({ id }) => id);
const bytes = (container: Container) => ({
  ...container,
  spec: { ...container.spec, value: [...container.spec.value] },
  extensions: Object.fromEntries(
    Object.entries(container.extensions).map(([key, any]) => [key, { ...any, value: [...any.value] }]),
  ),
});

/** What every container store promises. */
export function containerStoreSuite(label: string, open: OpenSubject<ContainerStore>): void {
  test(`${label}: a container is given back as it was created, payloads byte for byte`, async () => {
    await using subject = await open();
    const { store } = subject;
    const given = container('a', {
      labels: { x: 'y', empty: '' },
      runtime: { name: 'io.containerd.runc.v2', options: odd },
      spec: odd,
      extensions: { 'ext.one': odd, empty: { typeUrl: 't', value: new Uint8Array() } },
      sandboxId: 'box',
    });
    const made = await store.create(scope, given);
    expect(bytes(await store.get(scope, 'a'))).toEqual(bytes(made));
    expect(bytes(made)).toMatchObject({
      ...bytes(given as Container),
      labels: { x: 'y' },
      runtime: { name: given.runtime.name },
    });
    expect([...(made.runtime.options?.value ?? [])]).toEqual([...odd.value]);
    expect(made.labels).toEqual({ x: 'y' });
    expect(made.createdAt).toEqual(made.updatedAt);
    expect(await faultOf(store.create(scope, given))).toBe('already_exists');
  });

  test(`${label}: what is no container is refused`, async () => {
    await using subject = await open();
    const { store } = subject;
    const bad: NewContainer[] = [
      container(''),
      container('a/b'),
      container('-a'),
      container('x'.repeat(77)),
      container('a', { runtime: { name: '' } }),
      container('a', { spec: { typeUrl: '', value: new Uint8Array() } }),
      container('a', { snapshotter: '' }),
      container('a', { labels: { k: 'x'.repeat(4096) } }),
      container('a', { extensions: { '': odd } }),
    ];
    for (const each of bad) expect(await faultOf(store.create(scope, each))).toBe('invalid_argument');
    expect(await store.list(scope)).toEqual([]);
    await store.create(scope, container('a', { snapshotter: '', snapshotKey: '' }));
  });

  test(`${label}: the list is ordered, filtered and of one namespace`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, container('c', { labels: { x: '1' } }));
    await store.create(scope, container('a', { image: 'other', runtime: { name: 'kata' } }));
    await store.create(scope, container('b', { sandboxId: 'box' }));
    await store.create(scopeOf('other'), container('d', { sandboxId: 'box' }));
    const filtered = async (...filters: string[]) => ids(await store.list(scope, filters));
    expect(await filtered()).toEqual(['a', 'b', 'c']);
    expect(await filtered('labels.x', 'id==b')).toEqual(['b', 'c']);
    expect(await filtered('image==other')).toEqual(['a']);
    expect(await filtered('sandbox==box')).toEqual(['b']);
    expect(await filtered('sandbox')).toEqual(['b']);
    expect(await filtered('runtime.name~=runc,id!=c')).toEqual(['b']);
    expect(await faultOf(store.list(scope, ['~']))).toBe('invalid_argument');
    expect(await faultOf(store.get(scope, 'd'))).toBe('not_found');
  });

  test(`${label}: an update changes the named fields`, async () => {
    await using subject = await open();
    const { store } = subject;
    const made = await store.create(scope, container('a', { labels: { keep: '1' }, extensions: { e: odd, f: odd } }));
    const other = container('a', {
      labels: { add: '2' },
      image: 'new',
      snapshotKey: 'k2',
      spec: odd,
      extensions: { e: spec },
      snapshotter: 'ignored',
    });
    const labelled = await store.update(scope, other, ['labels.add']);
    expect(labelled).toMatchObject({ labels: { keep: '1', add: '2' }, image: made.image, createdAt: made.createdAt });
    expect(compare(labelled.updatedAt, made.updatedAt)).toBeGreaterThan(0);
    const extended = await store.update(scope, other, ['extensions.e', 'extensions.f']);
    expect(bytes(extended).extensions).toEqual({ e: { ...spec, value: [...spec.value] } });
    const rest = await store.update(scope, other, ['image', 'snapshotkey', 'spec']);
    expect(rest).toMatchObject({ image: 'new', snapshotKey: 'k2', snapshotter: 'overlayfs' });
    expect([...rest.spec.value]).toEqual([...odd.value]);
    expect(bytes(await store.get(scope, 'a'))).toEqual(bytes(rest));
  });

  test(`${label}: an update without fields replaces what may change, and refuses what may not`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, container('a', { labels: { x: '1' } }));
    const whole = await store.update(scope, container('a', { image: 'new' }));
    expect(whole).toMatchObject({ image: 'new', labels: {} });
    expect(whole.labels).toEqual({});
    const moved = [container('a', { snapshotter: 'native' }), container('a', { runtime: { name: 'kata' } })];
    for (const each of moved) expect(await faultOf(store.update(scope, each))).toBe('invalid_argument');
    expect(await faultOf(store.update(scope, container('a'), ['snapshotter']))).toBe('invalid_argument');
    expect(await faultOf(store.update(scope, container('nobody'), ['image']))).toBe('not_found');
    expect(await faultOf(store.update(scope, container(''), ['image']))).toBe('invalid_argument');
  });

  test(`${label}: delete takes the record, once`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, container('a'));
    expect(await faultOf(store.delete(scopeOf('other'), 'a'))).toBe('not_found');
    await store.delete(scope, 'a');
    expect(await faultOf(store.get(scope, 'a'))).toBe('not_found');
    expect(await faultOf(store.delete(scope, 'a'))).toBe('not_found');
  });
}
