import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { classOf } from '#base/errors';
import { scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { tarHeader } from '#core/transfer/engine/tar-header';
import type { ExportOptions, ImportOptions } from '#core/transfer/transfer';
import type { Digest } from '#lib/digest';
import { chainIds } from '#lib/oci/image-config';
import { FakeRegistry, sha256 } from '#test/support/fake-registry';
import { publish, publishIndex, type SampleImage, sampleImage, sampleLayer } from '#test/support/sample-image';
import { at, openTestEngine, pullOptions, type TestEngine } from './engine.fixture.ts';

setDefaultTimeout(120_000);
const scope = scopeOf('test');
let open: AsyncDisposableStack;
beforeEach(() => {
  open = new AsyncDisposableStack();
});
afterEach(() => open.disposeAsync());

const start = async (): Promise<TestEngine> => open.use(await openTestEngine());

const asTheySay = { name: '', isPrefix: true, allowOverwrite: true, addDigest: false, skipNamedDigest: false };

const importOptions = (more: Partial<ImportOptions> = {}): ImportOptions => ({
  image: { name: '', labels: {} },
  names: [asTheySay],
  platforms: [],
  allMetadata: false,
  manifestLimit: 0,
  forceCompress: false,
  unpacks: [],
  ...more,
});

const exportOptions = (more: Partial<ExportOptions> = {}): ExportOptions => ({
  platforms: [],
  allPlatforms: false,
  skipDockerManifest: false,
  skipNonDistributable: false,
  ...more,
});

async function* inPieces(bytes: Uint8Array, size = 10_000) {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, text]) => {
    const body = Buffer.from(text as string);
    return [tarHeader(name, body.length, 'file'), body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

const blobPath = (digest: string) => `blobs/sha256/${digest.slice(7)}`;

/** An OCI layout that holds these images under these names. */
function layoutOf(images: Readonly<Record<string, SampleImage>>, without: readonly string[] = []): Buffer {
  const files: Record<string, string | Uint8Array> = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' };
  const manifests = Object.entries(images).map(([name, image]) => {
    const blobs = [image.manifestBody, image.configBody, ...image.layers.map((layer) => layer.blob)];
    for (const blob of blobs) if (!without.includes(sha256(blob))) files[blobPath(sha256(blob))] = blob;
    return { ...image.manifest, annotations: { 'io.containerd.image.name': name } };
  });
  files['index.json'] = JSON.stringify({ schemaVersion: 2, manifests });
  return tarOf(files);
}

const small = () => sampleImage([sampleLayer({ 'etc/': '', 'etc/a': 'one' }), sampleLayer({ b: 'two' })]);
const overlay = (engine: TestEngine) => engine.metadata.snapshotters.get('overlayfs') as Snapshotter;
const topOf = (image: SampleImage) => chainIds(image.layers.map((layer) => layer.diffId as Digest)).at(-1) ?? '';
const textOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: Error) => `${classOf(error)}: ${error.message}`,
  );

test('an OCI layout is imported plain, with gzip and with zstd, in pieces of any size, and unpacked', async () => {
  const image = small();
  const archive = layoutOf({ 'example.com/a:v1': image });
  for (const [bytes, size] of [
    [archive, 100_000],
    [gzipSync(archive), 7],
    [zstdCompressSync(archive), 1000],
    [archive, 511],
  ] as const) {
    const engine = await start();
    const images = await engine.engine.import(
      scope,
      inPieces(bytes, size),
      importOptions({ unpacks: [{ snapshotter: '' }] }),
    );
    expect(images.map(({ name, target }) => [name, target.digest as string])).toEqual([
      ['example.com/a:v1', image.manifest.digest],
    ]);
    await overlay(engine).stat(scope, topOf(image));
    expect(await engine.metadata.leases.list(scope)).toEqual([]);
    await engine.metadata.collect(scope.signal);
    for (const layer of image.layers) await engine.metadata.content.info(scope, layer.descriptor.digest as Digest);
  }
});

test('importing what is there already succeeds', async () => {
  const { engine } = await start();
  const archive = layoutOf({ 'example.com/a:v1': small() });
  await engine.import(scope, inPieces(archive), importOptions());
  expect(await engine.import(scope, inPieces(archive), importOptions())).toHaveLength(1);
});

test('a missing blob is named as clients expect', async () => {
  const { engine, metadata } = await start();
  const image = small();
  const missing = image.layers[1]!.descriptor.digest;
  const archive = layoutOf({ 'example.com/a:v1': image }, [missing]);
  expect(await textOf(engine.import(scope, inPieces(archive), importOptions()))).toBe(
    `not_found: content digest ${missing}: not found`,
  );
  expect(await metadata.images.list(scope)).toEqual([]);
});

test('bad archives give clear errors and leave no image and no ingest', async () => {
  const { engine, metadata } = await start();
  const image = small();
  const good = layoutOf({ 'example.com/a:v1': image });
  const layout = '{"imageLayoutVersion":"1.0.0"}';
  const self = sha256('{}');
  const deep = `${'['.repeat(200_000)}`;
  const cases: [what: string, archive: Buffer, error: RegExp][] = [
    ['cut off', good.subarray(0, good.length - 3000), /^data_loss: .*breaks off/],
    ['cut off gzip', gzipSync(good).subarray(0, 900), /^data_loss/],
    ['nothing', Buffer.alloc(0), /^invalid_argument: archive: neither an OCI layout nor a Docker image archive/],
    ['no tar', Buffer.from('x'.repeat(5000)), /^invalid_argument/],
    [
      'a blob that is not what it is called',
      tarOf({ 'oci-layout': layout, 'index.json': '{}', [blobPath(sha256('right'))]: 'wrong' }),
      /^failed_precondition/,
    ],
    ['deep JSON', tarOf({ 'oci-layout': layout, 'index.json': deep }), /^invalid_argument: JSON is nested deeper/],
    [
      'an index that names itself',
      tarOf({
        'oci-layout': layout,
        'index.json': JSON.stringify({
          manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', digest: self, size: 2 }],
        }),
        [blobPath(self)]: '{}',
      }),
      /^invalid_argument: sha256:\w+: index.manifests: missing/,
    ],
    [
      'docker: no files',
      tarOf({ 'manifest.json': '[{"Config":"c","Layers":["l"]}]' }),
      /^not_found: archive: file "l"/,
    ],
    ['docker: no list', tarOf({ 'manifest.json': '{}' }), /^invalid_argument: manifest.json: wanted a list/],
    [
      'no image',
      tarOf({ 'oci-layout': layout, 'index.json': '{"manifests":[]}' }),
      /^invalid_argument: archive: no image/,
    ],
  ];
  for (const [what, archive, error] of cases) {
    const text = await textOf(engine.import(scope, inPieces(archive), importOptions()));
    expect([what, error.test(text) ? 'as expected' : text]).toEqual([what, 'as expected']);
  }
  expect(await metadata.images.list(scope)).toEqual([]);
  expect(await metadata.content.statuses(scope)).toEqual([]);
});

test('nested indexes beyond any reason are refused', async () => {
  const { engine } = await start();
  const type = 'application/vnd.oci.image.index.v1+json';
  const files: Record<string, string> = { 'oci-layout': '{}' };
  let inner = { mediaType: type, digest: sha256('{"manifests":[]}'), size: 16 };
  files[blobPath(inner.digest)] = '{"manifests":[]}';
  for (let i = 0; i < 12; i++) {
    const body = JSON.stringify({ manifests: [inner] });
    inner = { mediaType: type, digest: sha256(body), size: body.length };
    files[blobPath(inner.digest)] = body;
  }
  files['index.json'] = JSON.stringify({ manifests: [inner] });
  expect(await textOf(engine.import(scope, inPieces(tarOf(files)), importOptions()))).toMatch(
    /^invalid_argument: indexes are nested more than 8 deep/,
  );
});

test('what docker save writes is imported: names filled in, plain layers, layers that are links', async () => {
  const engine = await start();
  const [one, two] = [sampleLayer({ a: '1' }), sampleLayer({ b: '2' })];
  const image = sampleImage([one, two, one]);
  const header = tarHeader('cc/layer.tar', 0, 'file');
  header.write('2', 156, 'latin1');
  header.write('../aa/layer.tar', 157, 'latin1');
  header.write(' '.repeat(8), 148, 'latin1');
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  const archive = Buffer.concat([
    tarOf({
      'aa/layer.tar': one.tar,
      'aa/VERSION': '1.0',
      'bb/layer.tar': two.tar,
      'config.json': image.configBody,
      'manifest.json': JSON.stringify([
        {
          Config: 'config.json',
          RepoTags: ['busybox', 'quay.example/x/y:2'],
          Layers: ['aa/layer.tar', 'bb/layer.tar', 'cc/layer.tar'],
        },
      ]),
    }).subarray(0, -1024),
    header,
    Buffer.alloc(1024),
  ]);
  const images = await engine.engine.import(
    scope,
    inPieces(archive),
    importOptions({ unpacks: [{ snapshotter: '' }] }),
  );
  expect(images.map(({ name }) => name)).toEqual(['docker.io/library/busybox:latest', 'quay.example/x/y:2']);
  await overlay(engine).stat(scope, topOf(image));
  const packed = await start();
  await packed.engine.import(
    scope,
    inPieces(archive),
    importOptions({ forceCompress: true, unpacks: [{ snapshotter: '' }] }),
  );
  const found: string[] = [];
  for await (const { labels } of packed.metadata.content.walk(scope))
    found.push(labels['containerd.io/uncompressed'] ?? '');
  expect(found).toContain(one.diffId);
});

test('names come from the archive, from a prefix, and from digests as the caller wants', async () => {
  const { engine } = await start();
  const image = small();
  const named = layoutOf({ 'example.com/a:v1': image });
  const tagged = tarOf({
    'oci-layout': '{}',
    'index.json': JSON.stringify({
      manifests: [{ ...image.manifest, annotations: { 'org.opencontainers.image.ref.name': 'v7' } }],
    }),
    [blobPath(image.manifest.digest)]: image.manifestBody,
    [blobPath(image.config.digest)]: image.configBody,
    ...Object.fromEntries(image.layers.map((layer) => [blobPath(layer.descriptor.digest), layer.blob])),
  });
  const names = async (archive: Buffer, ...wanted: Partial<typeof asTheySay>[]) =>
    (
      await engine.import(
        scope,
        inPieces(archive),
        importOptions({ names: wanted.map((one) => ({ ...asTheySay, ...one })) }),
      )
    ).map(({ name }) => name);
  const digest = image.manifest.digest;
  expect(await names(named, {})).toEqual(['example.com/a:v1']);
  expect(await names(named, { name: 'other.com/x', allowOverwrite: false })).toEqual([]);
  expect(await names(named, { name: 'example.com/a', allowOverwrite: false })).toEqual(['example.com/a:v1']);
  expect(await names(tagged, { name: 'example.com/p', allowOverwrite: false })).toEqual(['example.com/p:v7']);
  expect(await names(tagged, { name: 'example.com/p', addDigest: true })).toEqual([
    'example.com/p:v7',
    `example.com/p@${digest}`,
  ]);
  expect(await names(tagged, { name: 'example.com/p', addDigest: true, skipNamedDigest: true })).toEqual([
    'example.com/p:v7',
  ]);
  expect(await names(tagged, { name: 'example.com/one:fixed', isPrefix: false })).toEqual(['example.com/one:fixed']);
  const whole = await engine.import(
    scope,
    inPieces(named),
    importOptions({ image: { name: 'my-index', labels: { a: 'b' } }, names: [] }),
  );
  expect(whole.map(({ name, labels, target }) => [name, labels, target.digest as string])).toEqual([
    ['my-index', { a: 'b' }, digest],
  ]);
});

test("an export can be imported again, by this engine, by Debian's ctr and by skopeo; twice it is the same bytes", async () => {
  const registry = open.use(await FakeRegistry.start());
  const { engine } = await start();
  const image = small();
  publish(registry, 'a/b', 'v1', image);
  const reference = `${registry.host}/a/b:v1`;
  await engine.pull(scope, at(reference), pullOptions(reference));
  await engine.tag(scope, reference, { name: 'docker.io/library/small:v1', labels: {} });
  const archive = await collect(engine.export(scope, ['docker.io/library/small:v1'], exportOptions()));
  expect(await collect(engine.export(scope, ['docker.io/library/small:v1'], exportOptions()))).toEqual(archive);
  const other = await start();
  const images = await other.engine.import(scope, inPieces(archive), importOptions());
  expect(images.map(({ name, target }) => [name, target.digest as string])).toEqual([
    ['docker.io/library/small:v1', image.manifest.digest],
  ]);
  const dir = mkdtempSync('/tmp/berth-export-');
  open.defer(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'a.tar'), archive);
  mkdirSync(join(dir, 'x'));
  execFileSync('tar', ['-xf', join(dir, 'a.tar'), '-C', join(dir, 'x')]);
  expect(JSON.parse(readFileSync(join(dir, 'x/manifest.json'), 'utf8'))[0].RepoTags).toEqual(['small:v1']);
  const inspect = (source: string) =>
    JSON.parse(execFileSync('skopeo', ['inspect', '--raw', source], { encoding: 'utf8' })) as {
      config: { digest: string };
    };
  expect(inspect(`oci-archive:${join(dir, 'a.tar')}`).config.digest).toBe(image.config.digest);
  expect(inspect(`docker-archive:${join(dir, 'a.tar')}`).config.digest).toBe(image.config.digest);
});

test('only what is here can be exported: of an index one platform, all on request, and what is missing is named', async () => {
  const registry = open.use(await FakeRegistry.start());
  const { engine } = await start();
  const mine = small();
  const other = sampleImage([sampleLayer({ arm: 'x' })], { architecture: 's390x' });
  publishIndex(registry, 'a/b', 'multi', { 'linux/amd64': mine, 'linux/s390x': other });
  const reference = `${registry.host}/a/b:multi`;
  const platforms = [{ os: 'linux', architecture: 'amd64' }];
  await engine.pull(scope, at(reference), pullOptions(reference, { platforms, unpacks: [] }));
  const one = await collect(engine.export(scope, [reference], exportOptions({ platforms })));
  const again = await start();
  expect(await again.engine.import(scope, inPieces(one), importOptions())).toHaveLength(1);
  expect(await textOf(collect(engine.export(scope, [reference], exportOptions({ allPlatforms: true }))))).toBe(
    `not_found: content digest ${other.manifest.digest}: not found`,
  );
  expect(await textOf(collect(engine.export(scope, ['nope'], exportOptions())))).toBe(
    'not_found: image "nope": not found',
  );
  await engine.pull(scope, at(reference), pullOptions(reference, { unpacks: [] }));
  const all = await collect(engine.export(scope, [reference], exportOptions({ allPlatforms: true })));
  const full = await start();
  await full.engine.import(scope, inPieces(all), importOptions());
  await full.metadata.content.info(scope, other.layers[0]!.descriptor.digest as Digest);
});
