import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fromUnicode } from './byte-text.ts';
import { type ListedMember, listTar, memberNamed } from './small-archive.ts';

// Made by fixtures/make.sh.
const fixture = (name: string): Uint8Array =>
  gunzipSync(readFileSync(new URL(`./fixtures/${name}.tar.gz`, import.meta.url)));

const text = ({ data }: ListedMember): string => Buffer.from(data).toString();
const longName = `tree/${'d'.repeat(120)}/${'f'.repeat(150)}`;
const when = { seconds: 981173106, nanos: 123456789 };

const trees = ['gnu', 'gnu-pax', 'gnu-sparse-00', 'gnu-sparse-01', 'bsd-pax', 'bsd-gnu'];

for (const name of trees) {
  test(`${name}: everything in the tree is read as it was`, () => {
    const members = listTar(fixture(name));
    const at = (path: string) => memberNamed(members, path);
    const names = members.map(({ entry }) => entry.name);
    expect(new Set(names).size).toBe(names.length);
    expect(text(at(longName))).toBe('long\n');
    expect(at('tree/symlink').entry).toMatchObject({ type: 'symlink', linkName: 'x'.repeat(130), size: 0 });
    expect(at('tree/fifo').entry.type).toBe('fifo');
    expect(at('tree/null').entry).toMatchObject({ type: 'char', major: 1, minor: 3 });
    expect(at('tree/dir/').entry.type).toBe('dir');
    // One of the two names is the file, the other the link: archivers choose.
    const pair = [at('tree/file'), at('tree/hard')];
    const file = pair.find(({ entry }) => entry.type === 'file')!;
    const link = pair.find(({ entry }) => entry.type === 'link')!;
    expect(text(file)).toBe('hello\n');
    expect(file.entry.mode).toBe(0o4755);
    expect(link.entry.linkName).toBe(file.entry.name);
    const snow = members.find(({ entry }) => entry.name.startsWith('tree/dir/sn'))!;
    expect(snow.entry).toMatchObject({ name: fromUnicode('tree/dir/snö.txt'), uid: 3000000, gid: 4000000 });
    expect(names).toContain('tree/dir/\xffname');
  });

  test(`${name}: a hole and what is in it come back`, () => {
    const { entry, data } = memberNamed(listTar(fixture(name)), 'tree/sparse');
    expect(entry.size).toBe(3 << 20);
    expect(
      Buffer.from(data)
        .subarray(1 << 20, (1 << 20) + 4)
        .toString(),
    ).toBe('data');
    expect(data.reduce((sum, byte) => sum + byte, 0)).toBe(100 + 97 + 116 + 97);
    if (!name.startsWith('bsd-gnu')) expect(entry.extents!.length).toBeGreaterThan(0);
  });

  test(`${name}: the same in pieces of any size`, () => {
    const archive = fixture(name);
    const whole = listTar(archive);
    for (const size of [509, 512, 4096, 100_000]) expect(listTar(archive, size)).toEqual(whole);
  });
}

test('a whole archive one byte at a time', () => {
  const archive = fixture('python-pax');
  expect(listTar(archive, 1)).toEqual(listTar(archive));
});

test('PAX times have nanoseconds; GNU ones seconds', () => {
  for (const name of ['gnu-pax', 'bsd-pax']) {
    expect(memberNamed(listTar(fixture(name)), 'tree/file').entry.mtime).toEqual(when);
  }
  expect(memberNamed(listTar(fixture('gnu')), 'tree/file').entry.mtime).toEqual({ seconds: when.seconds, nanos: 0 });
});

test('extended attributes in SCHILY and LIBARCHIVE form', () => {
  for (const name of ['gnu-pax', 'bsd-pax']) {
    const found = listTar(fixture(name)).find(({ entry }) => entry.xattrs !== undefined)!;
    expect(found.entry.xattrs).toEqual(new Map([['user.note', new Uint8Array(Buffer.from('a=b'))]]));
  }
});

test('ustar puts names together from two fields, v7 has one', () => {
  const names = listTar(fixture('ustar')).map(({ entry }) => entry.name);
  expect(names).toContain(`small/${'a'.repeat(60)}/${'b'.repeat(56)}/file`);
  const [member] = listTar(fixture('v7'));
  expect(member!.entry).toMatchObject({ type: 'file', name: 'small/top', size: 1 });
});

for (const name of ['python-pax', 'python-gnu']) {
  test(`${name}: large owners, long names, times before the epoch`, () => {
    const members = listTar(fixture(name));
    expect(members.map(text)).toEqual(['abc', 'abc', 'abc']);
    expect(members.map(({ entry }) => entry.uid)).toEqual([0, 2097152, 5]);
    expect(members[1]!.entry.name).toBe('n'.repeat(200));
    const old = members[2]!.entry.mtime;
    expect(old).toEqual(
      name === 'python-pax' ? { seconds: -86401, nanos: 750_000_000 } : { seconds: -86400, nanos: 0 },
    );
  });
}
