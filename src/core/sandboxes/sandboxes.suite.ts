import { expect, test } from 'bun:test';
import { compare } from '#base/timestamp';
import { scopeOf } from '#core/scope';
import { faultOf, type OpenSubject } from '#core/subject';
import type { NewSandbox, Sandbox, SandboxStore } from './sandboxes.ts';

const scope = scopeOf('test');
/** Bytes that no text and no canonical message is: they must come back as they are. */
const odd = { typeUrl: 'types.example/Odd', value: Uint8Array.from([0, 255, 10, 0, 8, 0x80, 0x80, 0]) };
const spec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: Buffer.from('{ "a":1}') };
const sandbox = (id: string, more: Partial<NewSandbox> = {}): NewSandbox => ({
  ...{ id, labels: {}, runtime: { name: 'io.containerd.runc.v2' }, sandboxer: 'shim', extensions: {} },
  ...more,
});
const ids = (sandboxes: readonly Sandbox[]) => sandboxes.map(({ id }) => id);
/** The same with all payloads as texts, whatever kind of bytes they were. */
const plain = (value: object): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, each: unknown) =>
      each instanceof Object && 'typeUrl' in each && 'value' in each
        ? `${each.typeUrl} ${Buffer.from(each.value as Uint8Array).toString('hex')}`
        : each,
    ),
  );

/** What every store of sandboxes promises. */
export function sandboxStoreSuite(label: string, open: OpenSubject<SandboxStore>): void {
  test(`${label}: a sandbox is given back as it was created, payloads byte for byte`, async () => {
    await using subject = await open();
    const { store } = subject;
    const given = sandbox('a', {
      labels: { x: 'y', empty: '' },
      runtime: { name: 'kata', options: odd },
      spec: odd,
      sandboxer: 'other',
      extensions: { 'ext.one': odd, empty: { typeUrl: 't', value: new Uint8Array() } },
    });
    const made = await store.create(scope, given);
    expect(plain(await store.get(scope, 'a'))).toEqual(plain(made));
    const { createdAt, updatedAt, ...rest } = made;
    expect(plain(rest)).toEqual(plain({ ...given, labels: { x: 'y' } }));
    expect(createdAt).toEqual(updatedAt);
    expect(await faultOf(store.create(scope, sandbox('a')))).toBe('already_exists');
  });

  test(`${label}: neither spec nor runtime nor sandboxer is needed`, async () => {
    await using subject = await open();
    const { store } = subject;
    const bare = sandbox('bare', { runtime: { name: '' }, sandboxer: '' });
    const { createdAt: _, updatedAt: __, ...rest } = await store.create(scope, bare);
    expect(rest).toEqual(bare);
    expect(await store.get(scope, 'bare')).toMatchObject(bare);
    expect(await store.get(scope, 'bare')).not.toHaveProperty('spec');
  });

  test(`${label}: what is no sandbox is refused`, async () => {
    await using subject = await open();
    const { store } = subject;
    const bad: NewSandbox[] = [
      ...['', 'a/b', '-a', '..', 'x'.repeat(77)].map((id) => sandbox(id)),
      sandbox('a', { labels: { k: 'x'.repeat(4096) } }),
      sandbox('a', { extensions: { '': odd } }),
    ];
    for (const each of bad) expect(await faultOf(store.create(scope, each))).toBe('invalid_argument');
    expect(await store.list(scope)).toEqual([]);
  });

  test(`${label}: the list is ordered, filtered and of one namespace`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, sandbox('c', { labels: { x: '1' } }));
    await store.create(scope, sandbox('a'));
    await store.create(scope, sandbox('b'));
    await store.create(scopeOf('other'), sandbox('d'));
    const filtered = async (...filters: string[]) => ids(await store.list(scope, filters));
    expect(await filtered()).toEqual(['a', 'b', 'c']);
    expect(await filtered('labels.x', 'id==b')).toEqual(['b', 'c']);
    expect(await filtered('id~=^[ab]$,labels.x!=1')).toEqual(['a', 'b']);
    // As in containerd: nothing else of a sandbox can be filtered by.
    expect(await filtered('runtime.name==io.containerd.runc.v2', 'sandboxer==shim')).toEqual([]);
    expect(await faultOf(store.list(scope, ['~']))).toBe('invalid_argument');
    expect(await faultOf(store.get(scope, 'd'))).toBe('not_found');
  });

  test(`${label}: an update changes the named fields`, async () => {
    await using subject = await open();
    const { store } = subject;
    const made = await store.create(scope, sandbox('a', { labels: { keep: '1' }, extensions: { e: odd, f: odd } }));
    const runtime = { name: 'kata', options: odd };
    const other = sandbox('a', { labels: { add: '2' }, spec, runtime, extensions: { e: spec }, sandboxer: 'ignored' });
    const labelled = await store.update(scope, other, ['labels.add']);
    expect(labelled).toMatchObject({
      labels: { keep: '1', add: '2' },
      runtime: made.runtime,
      createdAt: made.createdAt,
    });
    expect(compare(labelled.updatedAt, made.updatedAt)).toBeGreaterThan(0);
    const extended = await store.update(scope, other, ['extensions.e', 'extensions.f']);
    expect(plain(extended.extensions)).toEqual(plain({ e: spec }));
    const rest = await store.update(scope, other, ['runtime', 'spec']);
    expect(plain(rest)).toMatchObject(
      plain({ runtime, spec, sandboxer: 'shim', labels: { keep: '1', add: '2' } }) as object,
    );
    expect(plain(await store.get(scope, 'a'))).toEqual(plain(rest));
    expect((await store.update(scope, sandbox('a'), ['labels.keep'])).labels).toEqual({ add: '2' });
  });

  test(`${label}: an update without fields replaces what may change, and refuses what may not`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, sandbox('a', { labels: { x: '1' }, spec, extensions: { e: odd } }));
    const whole = await store.update(scope, sandbox('a', { runtime: { name: 'io.containerd.runc.v2', options: odd } }));
    expect(plain(whole)).toMatchObject(plain({ labels: {}, extensions: {}, runtime: { options: odd } }) as object);
    expect(whole).not.toHaveProperty('spec');
    expect(await faultOf(store.update(scope, sandbox('a', { runtime: { name: 'kata' } })))).toBe('invalid_argument');
    for (const field of ['sandboxer', 'id', 'nothing']) {
      expect(await faultOf(store.update(scope, sandbox('a'), [field]))).toBe('invalid_argument');
    }
    expect(await faultOf(store.update(scope, sandbox('nobody'), ['labels']))).toBe('not_found');
    expect(await faultOf(store.update(scope, sandbox(''), ['labels']))).toBe('not_found');
  });

  test(`${label}: delete takes the record, once`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, sandbox('a'));
    expect(await faultOf(store.delete(scopeOf('other'), 'a'))).toBe('not_found');
    await store.delete(scope, 'a');
    expect(await faultOf(store.get(scope, 'a'))).toBe('not_found');
    expect(await faultOf(store.delete(scope, 'a'))).toBe('not_found');
    expect(await faultOf(store.delete(scope, ''))).toBe('not_found');
  });
}
