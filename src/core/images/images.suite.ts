import { expect, test } from 'bun:test';
import { compare, type Timestamp } from '#base/timestamp';
import { scopeOf } from '#core/scope';
import { faultOf, type OpenSubject } from '#core/subject';
import { digestOf } from '#lib/digest';
import type { Image, ImageStore, NewImage } from './images.ts';

const scope = scopeOf('test');
const mediaType = 'application/vnd.oci.image.index.v1+json';
const target = (text: string, annotations?: Record<string, string>) => ({
  mediaType,
  digest: digestOf(text),
  size: text.length,
  ...(annotations !== undefined && { annotations }),
});
const image = (name: string, text = 'one', labels: Record<string, string> = {}): NewImage => ({
  name,
  target: target(text),
  labels,
});
const names = (images: readonly Image[]) => images.map(({ name }) => name);

/** What every image store promises. */
export function imageStoreSuite(label: string, open: OpenSubject<ImageStore>): void {
  test(`${label}: an image is given back as it was created`, async () => {
    await using subject = await open();
    const { store } = subject;
    const given = { name: 'docker.io/library/a:1', target: target('x', { k: 'v' }), labels: { a: 'b', empty: '' } };
    const made = await store.create(scope, given);
    expect(made).toMatchObject({ name: given.name, target: given.target, labels: { a: 'b' } });
    expect(made.labels).toEqual({ a: 'b' });
    expect(await store.get(scope, given.name)).toEqual(made);
    expect(await faultOf(store.create(scope, given))).toBe('already_exists');
  });

  test(`${label}: a name is seen in its own namespace only`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, image('a'));
    const other = scopeOf('other');
    expect(await faultOf(store.get(other, 'a'))).toBe('not_found');
    expect(await faultOf(store.delete(other, 'a'))).toBe('not_found');
    expect(await store.list(other)).toEqual([]);
    await store.create(other, image('a', 'two'));
    expect((await store.get(scope, 'a')).target.digest).toBe(digestOf('one'));
  });

  test(`${label}: what is no image is refused`, async () => {
    await using subject = await open();
    const { store } = subject;
    const good = image('a');
    const bad: NewImage[] = [
      { ...good, name: '' },
      { ...good, target: { ...good.target, digest: 'sha256:12' as never } },
      { ...good, target: { ...good.target, size: 0 } },
      { ...good, target: { ...good.target, size: -1 } },
      { ...good, target: { ...good.target, mediaType: '' } },
      { ...good, labels: { big: 'x'.repeat(4096) } },
    ];
    for (const each of bad) expect(await faultOf(store.create(scope, each))).toBe('invalid_argument');
    expect(await store.list(scope)).toEqual([]);
  });

  test(`${label}: the list is ordered and filtered`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, image('c', 'one', { x: '1' }));
    await store.create(scope, { ...image('a', 'two'), target: target('two', { note: 'yes' }) });
    await store.create(scope, image('b', 'three', { x: '2' }));
    expect(names(await store.list(scope))).toEqual(['a', 'b', 'c']);
    const filtered = async (...filters: string[]) => names(await store.list(scope, filters));
    expect(await filtered('name==b', 'labels.x==1')).toEqual(['b', 'c']);
    expect(await filtered('labels.x,name!=b')).toEqual(['c']);
    expect(await filtered(`target.digest~=^${digestOf('two')}$`)).toEqual(['a']);
    expect(await filtered(`target.mediatype=="${mediaType}",annotations.note==yes`)).toEqual(['a']);
    expect(await faultOf(store.list(scope, ['name==']))).toBe('invalid_argument');
  });

  test(`${label}: an update changes the named fields, or everything`, async () => {
    await using subject = await open();
    const { store } = subject;
    const made = await store.create(scope, image('a', 'one', { keep: '1', drop: '2' }));
    const masked = await store.update(scope, image('a', 'two', { drop: '', add: '3' }), ['labels.drop', 'labels.add']);
    expect(masked).toMatchObject({ target: made.target, createdAt: made.createdAt });
    expect(masked.labels).toEqual({ keep: '1', add: '3' });
    expect(compare(masked.updatedAt, made.updatedAt)).toBeGreaterThan(0);
    expect((await store.update(scope, image('a', 'two'), ['target'])).target).toEqual(target('two'));
    const noted = { ...image('a'), target: target('ignored', { x: 'y', z: 'w' }) };
    expect((await store.update(scope, noted, ['annotations.x'])).target).toEqual(target('two', { x: 'y' }));
    expect((await store.update(scope, noted, ['annotations'])).target).toEqual(target('two', { x: 'y', z: 'w' }));
    const whole = await store.update(scope, image('a', 'three'));
    expect(whole).toMatchObject({ target: target('three'), labels: {}, createdAt: made.createdAt });
    expect(await store.get(scope, 'a')).toEqual(whole);
  });

  test(`${label}: a source date is the time of what is made or changed at it`, async () => {
    await using subject = await open();
    const { store } = subject;
    const [early, late] = [1, 2].map((seconds) => ({ seconds, nanos: 7 })) as [Timestamp, Timestamp];
    expect(await store.create(scope, { ...image('a'), sourceDate: early })).toMatchObject({
      createdAt: early,
      updatedAt: early,
    });
    const changed = await store.update(scope, { ...image('a', 'two'), sourceDate: late }, ['target']);
    expect(changed).toMatchObject({ createdAt: early, updatedAt: late });
    expect(await store.update(scope, { ...image('a', 'two'), sourceDate: early })).toMatchObject({ updatedAt: early });
    expect(compare((await store.update(scope, image('a', 'three'))).updatedAt, late)).toBeGreaterThan(0);
  });

  test(`${label}: an update neither makes an image nor a bad one`, async () => {
    await using subject = await open();
    const { store } = subject;
    expect(await faultOf(store.update(scope, image('a')))).toBe('not_found');
    expect(await faultOf(store.update(scope, image('')))).toBe('invalid_argument');
    await store.create(scope, image('a'));
    expect(await faultOf(store.update(scope, image('a'), ['name']))).toBe('invalid_argument');
    const sizeless = { ...image('a'), target: { ...target('x'), size: 0 } };
    expect(await faultOf(store.update(scope, sizeless))).toBe('invalid_argument');
    expect((await store.get(scope, 'a')).target).toEqual(target('one'));
  });

  test(`${label}: delete keeps an image whose target moved`, async () => {
    await using subject = await open();
    const { store } = subject;
    await store.create(scope, image('a'));
    expect(await faultOf(store.delete(scope, 'a', { target: digestOf('other') }))).toBe('not_found');
    await store.delete(scope, 'a', { target: digestOf('one') });
    expect(await faultOf(store.get(scope, 'a'))).toBe('not_found');
    expect(await faultOf(store.delete(scope, 'a'))).toBe('not_found');
  });
}
