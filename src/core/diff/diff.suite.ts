import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Mount } from '#core/mount';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { listTar, tarOf } from '#lib/tar/small-archive';
import type { Differ } from './diff.ts';

/** A differ and the content store that it reads and writes; `unpack` says whether it must be able to unpack what still arrives. */
export interface DiffSubject extends AsyncDisposable {
  readonly differ: Differ;
  readonly content: ContentStore;
  readonly unpack: boolean;
}

const scope = scopeOf('test');
const layer = tarOf([
  { name: 'd/', mode: 0o711 },
  { name: 'd/file', data: 'content', uid: 12, gid: 34 },
  { name: 'd/second', type: 'link', linkName: 'd/file', uid: 12, gid: 34 },
  { name: 'link', type: 'symlink', linkName: 'absent' },
]);
const uncompressed: Descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.length };

const bind = (source: string): readonly Mount[] => [{ type: 'bind', source, target: '', options: ['rbind', 'rw'] }];

/** What every differ promises. Needs root. */
export function differSuite(label: string, open: () => Promise<DiffSubject> | DiffSubject): void {
  const run = (name: string, body: (bench: Bench) => Promise<void>) =>
    test(`${label}: ${name}`, async () => {
      await using subject = await open();
      using bench = new Bench(subject);
      await body(bench);
    });
  applied(run);
  refused(run);
  compared(run);
  unpacked(run);
}

type Run = (name: string, body: (bench: Bench) => Promise<void>) => void;

class Bench implements Disposable {
  readonly subject: DiffSubject;
  readonly dir = mkdtempSync('/dev/shm/berth-differ-');
  readonly lower = join(this.dir, 'lower');
  readonly upper = join(this.dir, 'upper');

  constructor(subject: DiffSubject) {
    this.subject = subject;
    mkdirSync(this.lower);
    mkdirSync(this.upper);
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true });
  }

  async add(bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
    const digest = digestOf(bytes);
    await using writer = await this.subject.content.writer(scope, `layer-${digest}`);
    await writer.write(bytes);
    await writer.commit(bytes.length, digest);
    return { mediaType, digest, size: bytes.length };
  }

  async read(descriptor: Descriptor): Promise<Buffer> {
    await using reader = await this.subject.content.open(scope, descriptor.digest);
    return Buffer.from(await reader.read(0, reader.size));
  }
}

/** Every path below; links are not followed (Bun's recursive readdir does). */
function names(dir: string, below = ''): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      return entry.isDirectory() ? [path, ...names(join(dir, entry.name), path)] : [path];
    })
    .sort();
}
const contents = ['d', 'd/file', 'd/second', 'link'];

function applied(run: Run): void {
  const forms: Readonly<Record<string, readonly [string, Uint8Array]>> = {
    'an uncompressed layer': [mediaTypes.ociLayer, layer],
    'a layer with gzip': [mediaTypes.ociLayerGzip, gzipSync(layer)],
    'a layer with zstd': [mediaTypes.ociLayerZstd, zstdCompressSync(layer)],
    'a layer of docker': [mediaTypes.dockerLayerGzip, gzipSync(layer)],
    'a layer whose type says one compression and whose bytes say another': [
      mediaTypes.dockerLayer,
      zstdCompressSync(layer),
    ],
  };
  for (const [name, [mediaType, bytes]] of Object.entries(forms)) {
    run(`${name} is unpacked, and its uncompressed form described`, async (bench) => {
      const blob = await bench.add(bytes, mediaType);
      expect(await bench.subject.differ.apply(scope, blob, bind(bench.upper))).toEqual(uncompressed);
      expect(names(bench.upper)).toEqual(contents);
      expect(readFileSync(join(bench.upper, 'd/second'), 'utf8')).toBe('content');
    });
  }
}

function refused(run: Run): void {
  run('what cannot be applied is refused by its class', async (bench) => {
    const apply = async (blob: Descriptor) => await faultOf(bench.subject.differ.apply(scope, blob, bind(bench.upper)));
    expect(await apply(await bench.add(Buffer.from('1'), 'text/plain'))).toBe('not_implemented');
    expect(await apply({ ...uncompressed, digest: digestOf('nobody has this') })).toBe('not_found');
    const cut = gzipSync(layer);
    expect(await apply(await bench.add(cut.subarray(0, cut.length - 9), mediaTypes.ociLayerGzip))).toBe('data_loss');
    expect(await apply(await bench.add(Buffer.alloc(4096, 'x'), mediaTypes.ociLayer))).toBe('invalid_argument');
  });

  run('a layer does not leave the tree', async (bench) => {
    const outside = join(bench.dir, 'outside');
    writeFileSync(outside, 'safe', { mode: 0o600 });
    const evil = tarOf([
      { name: 'up', type: 'symlink', linkName: '..' },
      { name: 'up/outside', data: 'evil', mode: 0o777 },
      { name: '../outside', data: 'evil', mode: 0o777 },
    ]);
    await bench.subject.differ.apply(scope, await bench.add(evil, mediaTypes.ociLayer), bind(bench.upper));
    expect(readFileSync(outside, 'utf8')).toBe('safe');
    expect(names(bench.upper)).toEqual(['outside', 'up']);
  });

  run('a difference of a type that is no layer is not_implemented', async (bench) => {
    const { differ } = bench.subject;
    const work = differ.compare(scope, bind(bench.lower), bind(bench.upper), { mediaType: 'text/plain' });
    expect(await faultOf(work)).toBe('not_implemented');
  });
}

function compared(run: Run): void {
  run('a difference is stored, described and labelled, with gzip unless it is asked for otherwise', async (bench) => {
    const { differ, content } = bench.subject;
    writeFileSync(join(bench.lower, 'gone'), '');
    writeFileSync(join(bench.upper, 'new'), 'new');
    const made = await differ.compare(scope, bind(bench.lower), bind(bench.upper), {
      ref: 'diff',
      labels: { mine: '1' },
    });
    const bytes = await bench.read(made);
    expect(made).toEqual({ mediaType: mediaTypes.ociLayerGzip, digest: digestOf(bytes), size: bytes.length });
    const tar = gunzipSync(bytes);
    expect(listTar(tar).map(({ entry }) => entry.name)).toEqual(['.wh.gone', 'new']);
    const { labels } = await content.info(scope, made.digest);
    expect(labels).toMatchObject({ 'containerd.io/uncompressed': digestOf(tar), mine: '1' });
    expect(await content.statuses(scope)).toEqual([]);
  });

  run('a difference applied gives the tree again', async (bench) => {
    const { differ } = bench.subject;
    await differ.apply(scope, await bench.add(layer, mediaTypes.ociLayer), bind(bench.upper));
    const made = await differ.compare(scope, [], bind(bench.upper), { mediaType: mediaTypes.ociLayerZstd });
    expect(made.mediaType).toBe(mediaTypes.ociLayerZstd);
    await differ.apply(scope, made, bind(bench.lower));
    expect(names(bench.lower)).toEqual(contents);
  });
}

function unpacked(run: Run): void {
  run('a layer that still arrives is unpacked as it does', async (bench) => {
    const { differ, unpack } = bench.subject;
    expect(differ.unpack !== undefined).toBe(unpack);
    if (differ.unpack === undefined) return;
    const bytes = gzipSync(layer);
    const path = join(bench.dir, 'arriving');
    writeFileSync(path, bytes.subarray(0, 50));
    await using work = differ.unpack(scope, { mediaType: mediaTypes.ociLayerGzip, path }, bind(bench.upper));
    work.arrived(50);
    writeFileSync(path, bytes.subarray(50), { flag: 'a' });
    work.complete(bytes.length);
    expect(await work.done).toEqual(uncompressed);
    expect(names(bench.upper)).toEqual(contents);
  });
}
