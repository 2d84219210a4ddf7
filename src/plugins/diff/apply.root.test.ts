import { expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { classOf } from '#base/errors';
import { digestOf } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { tarOf } from '#lib/tar/small-archive';
import { findXattr } from '#sys/xattr';
import { ApplyBench, bind, scope } from './layer.fixture.ts';

const shared = { mode: 0o4755, uid: 3_000_000, gid: 4_000_000, mtime: { seconds: 5, nanos: 1 } };
const rich = tarOf([
  { name: 'dir/', mode: 0o1750, uid: 5, gid: 6, mtime: { seconds: 100, nanos: 123456789 } },
  { name: 'dir/file', data: 'hello', ...shared },
  { name: 'dir/hard', type: 'link', linkName: 'dir/file', ...shared },
  { name: 'symlink', type: 'symlink', linkName: '/dir/file', uid: 7, mtime: { seconds: 9, nanos: 9 } },
  { name: 'null', type: 'char', major: 1, minor: 3, mode: 0o666 },
  { name: 'disk', type: 'block', major: 7, minor: 99 },
  { name: 'fifo', type: 'fifo', mode: 0o622 },
  { name: 'empty' },
  {
    name: 'capable',
    data: 'x',
    xattrs: new Map([
      ['security.capability', capability()],
      ['user.note', Buffer.from('n')],
    ]),
  },
  { name: 'sn\xc3\xb6', data: 'utf8' },
  { name: 'bad\xff', data: 'latin1' },
  {
    name: 'sparse',
    size: 3 << 20,
    data: 'ab',
    extents: [
      { offset: 1 << 20, length: 1 },
      { offset: 2 << 20, length: 1 },
    ],
  },
  { name: 'hole', size: 5000, data: '', extents: [] },
  { name: 'large', data: Buffer.alloc(3_000_001, 'z') },
  { name: 'deep/er/file', data: 'implied' },
]);

function capability(): Uint8Array {
  return new Uint8Array([1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

function expectRich(root: string): void {
  const at = (name: string) => lstatSync(`${root}/${name}`, { bigint: true });
  expect(at('dir')).toMatchObject({ mode: 0o41750n, uid: 5n, gid: 6n, mtimeNs: 100_123456789n });
  expect(at('dir/file')).toMatchObject({
    mode: 0o104755n,
    uid: 3_000_000n,
    gid: 4_000_000n,
    mtimeNs: 5_000000001n,
    nlink: 2n,
  });
  expect(at('dir/hard').ino).toBe(at('dir/file').ino);
  expect(readlinkSync(`${root}/symlink`)).toBe('/dir/file');
  expect(at('symlink')).toMatchObject({ uid: 7n, mtimeNs: 9_000000009n });
  expect(at('null')).toMatchObject({ mode: 0o20666n, rdev: 259n });
  expect(at('disk').mode).toBe(0o60644n);
  expect(at('fifo').mode).toBe(0o10622n);
  expect(at('empty').size).toBe(0n);
  const fd = -100;
  expect(findXattr(fd, `${root}/capable`, 'security.capability')).toEqual(capability());
  expect(Buffer.from(findXattr(fd, `${root}/capable`, 'user.note')!).toString()).toBe('n');
  expect(readFileSync(`${root}/snö`, 'utf8')).toBe('utf8');
  expect(readFileSync(Buffer.from(`${root}/bad\xff`, 'latin1'), 'utf8')).toBe('latin1');
  const sparse = readFileSync(`${root}/sparse`);
  expect([sparse.length, sparse[1 << 20], sparse[2 << 20]]).toEqual([3 << 20, 97, 98]);
  expect(statSync(`${root}/sparse`).blocks).toBeLessThan(64);
  expect(at('hole').size).toBe(5000n);
  expect(readFileSync(`${root}/large`).equals(Buffer.alloc(3_000_001, 'z'))).toBe(true);
  expect(at('deep/er').mode).toBe(0o40755n);
}

const compressions: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  plain: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  'gzip in members': (bytes) => Buffer.concat([gzipSync(bytes.subarray(0, 7000)), gzipSync(bytes.subarray(7000))]),
  'gzip with zeros after it': (bytes) => Buffer.concat([gzipSync(bytes), Buffer.alloc(300_000)]),
  zstd: (bytes) => zstdCompressSync(bytes),
  'zstd in frames': (bytes) =>
    Buffer.concat([zstdCompressSync(bytes.subarray(0, 99)), zstdCompressSync(bytes.subarray(99))]),
};

for (const [name, compress] of Object.entries(compressions)) {
  test(`${name}: everything arrives, and the descriptor is the uncompressed tar's`, async () => {
    await using bench = new ApplyBench();
    mkdirSync(bench.path('root'));
    const applied = await bench.apply(compress(rich), bind(bench.path('root')));
    expect(applied).toEqual({ mediaType: mediaTypes.ociLayer, digest: digestOf(rich), size: rich.length });
    expectRich(bench.path('root'));
  });
}

test('bytes after the end of the archive count for the digest', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const layer = Buffer.concat([tarOf([{ name: 'a' }]), Buffer.alloc(2_000_000, 1)]);
  expect((await bench.apply(gzipSync(layer), bind(bench.path('root')))).digest).toBe(digestOf(layer));
});

test('a layer is unpacked while it arrives, from a file that is renamed meanwhile', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const bytes = gzipSync(rich);
  const path = bench.file('ingest', bytes.subarray(0, 100));
  await using unpack = bench.applier.unpack(
    scope,
    { mediaType: mediaTypes.ociLayerGzip, path },
    bind(bench.path('root')),
  );
  unpack.arrived(100);
  for (let at = 100; at < bytes.length; at += 1000) {
    writeFileSync(path, bytes.subarray(at, at + 1000), { flag: 'a' });
    unpack.arrived(Math.min(bytes.length, at + 1000));
    if (at % 5000 < 1000) await Bun.sleep(2);
  }
  execFileSync('mv', [path, bench.path('blob')]);
  unpack.complete(bytes.length);
  expect((await unpack.done).digest).toBe(digestOf(rich));
  expectRich(bench.path('root'));
});

test('files appear before the layer is complete', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const bytes = tarOf([
    { name: 'first', data: 'x' },
    { name: 'second', data: 'y' },
  ]);
  const path = bench.file('ingest', bytes);
  await using unpack = bench.applier.unpack(scope, { mediaType: mediaTypes.ociLayer, path }, bind(bench.path('root')));
  unpack.arrived(1024);
  for (let tries = 0; tries < 10_000 && readdirSync(bench.path('root')).length === 0; tries++) await Bun.sleep(5);
  expect(readdirSync(bench.path('root'))).toEqual(['first']);
  unpack.complete(bytes.length);
  await unpack.done;
  expect(readdirSync(bench.path('root')).sort()).toEqual(['first', 'second']);
});

test('disposing of an unpack that waits for bytes ends it', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const path = bench.file('ingest', rich.subarray(0, 5000));
  const unpack = bench.applier.unpack(scope, { mediaType: mediaTypes.ociLayer, path }, bind(bench.path('root')));
  unpack.arrived(5000);
  await Bun.sleep(50);
  await unpack[Symbol.asyncDispose]();
  expect(classOf(await unpack.done.catch((thrown) => thrown))).toBe('canceled');
  // The threads are free for the next one.
  await bench.apply(rich, bind(bench.path('root')));
  expectRich(bench.path('root'));
});

test('a call that is cancelled throws canceled', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const abort = new AbortController();
  const path = bench.file('ingest', rich);
  const within = { ...scope, signal: abort.signal };
  const unpack = bench.applier.unpack(within, { mediaType: mediaTypes.ociLayer, path }, bind(bench.path('root')));
  unpack.arrived(10);
  abort.abort();
  expect(classOf(await unpack.done.catch((thrown) => thrown))).toBe('canceled');
});

test('more layers than threads wait for their turn', async () => {
  await using bench = new ApplyBench();
  const roots = [1, 2, 3, 4, 5, 6].map((n) => bench.path(`root${n}`));
  for (const root of roots) mkdirSync(root);
  const layer = await bench.add(gzipSync(rich));
  await Promise.all(roots.map((root) => bench.applier.apply(scope, layer, bind(root))));
  for (const root of roots) expectRich(root);
});

test('damaged, truncated and oddly continued streams are data loss', async () => {
  await using bench = new ApplyBench();
  const gzip = gzipSync(rich);
  const zstd = zstdCompressSync(rich);
  const flipped = Buffer.from(gzip);
  flipped[flipped.length - 6]! ^= 1;
  const bad = {
    'gzip cut': gzip.subarray(0, gzip.length - 5),
    'gzip cut early': gzip.subarray(0, 500),
    'gzip with a wrong checksum': flipped,
    'gzip and garbage': Buffer.concat([gzip, Buffer.from('garbage')]),
    'gzip, zeros and garbage': Buffer.concat([gzip, Buffer.alloc(10), Buffer.from('garbage')]),
    'zstd cut': zstd.subarray(0, zstd.length - 5),
    'zstd and garbage': Buffer.concat([zstd, Buffer.from('garbage')]),
    'tar cut': rich.subarray(0, 2000),
  };
  for (const [name, layer] of Object.entries(bad)) {
    mkdirSync(bench.path(name));
    const outcome = await bench.apply(layer, bind(bench.path(name))).catch((thrown) => classOf(thrown));
    expect([name, outcome]).toEqual([name, 'data_loss']);
  }
});

test('something that is no archive is refused', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const outcome = await bench
    .apply(Buffer.alloc(5000, 'text'), bind(bench.path('root')))
    .catch((thrown) => classOf(thrown));
  expect(outcome).toBe('invalid_argument');
});

test('an unknown media type is not_implemented, a missing blob not_found', async () => {
  await using bench = new ApplyBench();
  const layer = await bench.add(rich, 'application/x-strange');
  const outcome = (work: Promise<unknown>) => work.catch((thrown) => classOf(thrown));
  expect(await outcome(bench.applier.apply(scope, layer, bind(bench.dir)))).toBe('not_implemented');
  const missing = { mediaType: mediaTypes.ociLayer, digest: digestOf('?'), size: 1 };
  expect(await outcome(bench.applier.apply(scope, missing, bind(bench.dir)))).toBe('not_found');
});

test('sync brings the tree to the disk before it returns', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  await bench.apply(rich, bind(bench.path('root')), { syncFs: true });
  expectRich(bench.path('root'));
});
