import { expect, test } from 'bun:test';
import { classOf, messageOf } from '#base/errors';
import { type Digest, digestOf } from '../digest.ts';
import { parseBoundedJson } from './bounded-json.ts';
import { chainId, chainIds, decodeImageConfig } from './image-config.ts';
import { decodeIndex, decodeManifest, decodeManifestOrIndex } from './manifest.ts';
import {
  decryptedType,
  isEncrypted,
  isForeignLayer,
  isLayerType,
  layerCompression,
  mediaTypes as m,
} from './media-types.ts';

const digest = (text: string) => digestOf(text);
const json = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const config = { mediaType: m.ociConfig, digest: digest('config'), size: 6 };
const layer = { mediaType: m.ociLayerGzip, digest: digest('layer'), size: 5 };
const manifest = { schemaVersion: 2, mediaType: m.ociManifest, config, layers: [layer] };
const entry = { mediaType: m.ociManifest, digest: digest('manifest'), size: 8 };
const index = { schemaVersion: 2, mediaType: m.ociIndex, manifests: [entry] };

function errorOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    return `${classOf(thrown)}: ${messageOf(thrown)}`;
  }
  return 'none';
}

test('a manifest is read', () => {
  expect(decodeManifest(json(manifest), m.ociManifest)).toEqual({
    kind: 'manifest',
    mediaType: m.ociManifest,
    config,
    layers: [layer],
  });
  const rich = { ...manifest, annotations: { a: 'b', __proto__x: '' }, artifactType: 'x/y', subject: entry };
  expect(decodeManifestOrIndex(json(rich), m.ociManifest)).toEqual({
    kind: 'manifest',
    mediaType: m.ociManifest,
    config,
    layers: [layer],
    annotations: { a: 'b', __proto__x: '' },
    artifactType: 'x/y',
    subject: entry,
  });
  const docker = {
    schemaVersion: 2,
    mediaType: m.dockerManifest,
    config: { ...config, mediaType: m.dockerConfig },
    layers: null,
  };
  expect(decodeManifest(json(docker), m.dockerManifest).layers).toEqual([]);
});

test('an index is read with its platforms', () => {
  const platform = { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '1', 'os.features': ['f'] };
  const many = { ...index, manifests: [{ ...entry, platform, urls: ['http://x'], annotations: { k: 'v' } }, entry] };
  expect(decodeIndex(json(many), m.ociIndex).manifests).toEqual([
    {
      ...entry,
      platform: { os: 'linux', architecture: 'arm', variant: 'v7', osVersion: '1', osFeatures: ['f'] },
      urls: ['http://x'],
      annotations: { k: 'v' },
    },
    entry,
  ]);
  const list = {
    schemaVersion: 2,
    mediaType: m.dockerManifestList,
    manifests: [{ ...entry, mediaType: m.dockerManifest }],
  };
  expect(decodeManifestOrIndex(json(list), m.dockerManifestList).kind).toBe('index');
});

test('CVE-2021-41190: a document that could be read as manifest and as index is refused', () => {
  const both = { ...manifest, manifests: [entry] };
  const withoutType = { schemaVersion: 2, config, layers: [layer], manifests: [entry] };
  const notManifest = `invalid_argument: media-type: expected manifest but found index (${m.ociManifest}): invalid argument`;
  const notIndex = `invalid_argument: media-type: expected index but found manifest (${m.ociIndex}): invalid argument`;
  expect(errorOf(() => decodeManifest(json(both), m.ociManifest))).toBe(notManifest);
  expect(errorOf(() => decodeManifest(json(withoutType), m.ociManifest))).toBe(notManifest);
  expect(errorOf(() => decodeManifest(json({ ...manifest, mediaType: m.ociIndex }), m.ociManifest))).toBe(notManifest);
  expect(errorOf(() => decodeManifest(json({ ...manifest, mediaType: m.dockerManifestList }), m.ociManifest))).toBe(
    notManifest,
  );
  expect(errorOf(() => decodeIndex(json({ ...index, config }), m.ociIndex))).toBe(notIndex);
  expect(errorOf(() => decodeIndex(json({ ...index, layers: [] }), m.ociIndex))).toBe(notIndex);
  expect(errorOf(() => decodeIndex(json({ ...index, fsLayers: [] }), m.ociIndex))).toBe(notIndex);
  expect(errorOf(() => decodeIndex(json({ ...index, mediaType: m.ociManifest }), m.ociIndex))).toBe(notIndex);
  for (const key of ['Manifests', 'MANIFESTS', 'manife\u017fts', 'Layers', 'mediatype']) {
    expect(errorOf(() => decodeManifest(json({ ...manifest, [key]: [entry] }), m.ociManifest))).toContain(
      'ambiguous: another spelling of',
    );
  }
  expect(
    errorOf(() => decodeManifest(json({ ...manifest, config: { ...config, Digest: digest('x') } }), m.ociManifest)),
  ).toContain('ambiguous');
  const twice = JSON.stringify(manifest).replace('{', `{"config":${JSON.stringify(entry)},`);
  expect(errorOf(() => decodeManifest(json(twice), m.ociManifest))).toBe(
    'invalid_argument: JSON has the key "config" twice in one object: invalid argument',
  );
});

test('what is missing or wrong is named by its place', () => {
  const table: [object, string][] = [
    [{ ...manifest, config: undefined }, 'manifest.config: missing'],
    [{ ...manifest, config: [] }, 'manifest.config: wanted an object'],
    [{ ...manifest, layers: {} }, 'manifest.layers: wanted a list'],
    [{ ...manifest, layers: [layer, 5] }, 'manifest.layers[1]: wanted an object'],
    [{ ...manifest, layers: [{ ...layer, mediaType: '' }] }, 'manifest.layers[0].mediaType: missing'],
    [{ ...manifest, layers: [{ ...layer, size: -1 }] }, 'manifest.layers[0].size: wanted a whole number from 0'],
    [{ ...manifest, layers: [{ ...layer, size: 1.5 }] }, 'manifest.layers[0].size: wanted a whole number from 0'],
    [{ ...manifest, layers: [{ ...layer, size: 2 ** 60 }] }, 'manifest.layers[0].size: wanted a whole number from 0'],
    [
      { ...manifest, layers: [{ ...layer, digest: 'sha256:../../x' }] },
      'manifest.layers[0].digest: digest "sha256:../../x": invalid checksum digest length',
    ],
    [{ ...manifest, layers: [{ ...layer, digest: undefined }] }, 'manifest.layers[0].digest: wanted a digest'],
    [{ ...manifest, layers: Array(2000).fill(layer) }, 'manifest.layers: 2000 entries, at most 1024'],
    [{ ...manifest, annotations: { a: 1 } }, 'manifest.annotations.a: wanted a string'],
    [{ ...manifest, config: { ...config, urls: 'x' } }, 'manifest.config.urls: wanted a list'],
    [[], 'manifest: wanted an object'],
  ];
  for (const [document, message] of table) {
    expect(errorOf(() => decodeManifest(json(document), m.ociManifest))).toBe(
      `invalid_argument: ${message}: invalid argument`,
    );
  }
  expect(errorOf(() => decodeIndex(json({ schemaVersion: 2 }), m.ociIndex))).toContain('index.manifests: missing');
  expect(errorOf(() => decodeManifestOrIndex(json({}), m.dockerSchema1Manifest))).toBe(
    'not_implemented: docker image manifest schema 1: not implemented',
  );
  expect(errorOf(() => decodeManifestOrIndex(json({}), 'text/html'))).toBe(
    'not_implemented: manifest of type "text/html": not implemented',
  );
  expect(errorOf(() => decodeManifest(json({ ...manifest, schemaVersion: 1 }), m.ociManifest))).toContain(
    'schemaVersion 1',
  );
});

test('megabytes of nesting give an error, not a stack overflow', () => {
  for (const text of [
    '['.repeat(2_000_000),
    '{"a":'.repeat(500_000),
    `${'['.repeat(1000)}${']'.repeat(1000)}`,
    `{"layers":${'['.repeat(100)}`,
  ]) {
    const start = performance.now();
    expect(errorOf(() => decodeManifest(json(text), m.ociManifest))).toBe(
      'invalid_argument: JSON is nested deeper than 64: invalid argument',
    );
    expect(performance.now() - start).toBeLessThan(20_000);
  }
  expect(parseBoundedJson(json(`${'['.repeat(64)}"]]]]{{{"${']'.repeat(64)}`), { maxBytes: 1000 })).toBeArray();
});

test('JSON that is too long, malformed or not UTF-8 is refused', () => {
  expect(errorOf(() => decodeManifest(new Uint8Array((4 << 20) + 1), m.ociManifest))).toContain(
    'at most 4194304: invalid argument',
  );
  expect(errorOf(() => decodeManifest(json(manifest), m.ociManifest, 10))).toContain('at most 10: invalid argument');
  for (const text of [
    '',
    '{',
    '{"a"',
    '{"a":1,}',
    '"\\',
    '{"\\u12":1}',
    'nul',
    '{}x',
    ']',
    '\0',
    '{"a":"\n"}',
    '\ufeff[',
    "{'a':1}",
  ]) {
    expect([text, errorOf(() => parseBoundedJson(json(text), { maxBytes: 99 })).slice(0, 16)]).toEqual([
      text,
      'invalid_argument',
    ]);
  }
  expect(errorOf(() => parseBoundedJson(Uint8Array.of(0x22, 0xff, 0x22), { maxBytes: 99 }))).toBe(
    'invalid_argument: JSON is not UTF-8: invalid argument',
  );
});

test('a key twice is found through escapes, and no key is found where there is none', () => {
  const read = (text: string) => errorOf(() => parseBoundedJson(json(text), { maxBytes: 999 }));
  expect(read('{"a":1,"\\u0061":2}')).toContain('the key "a" twice');
  expect(read('{"x":{"a":1,"b" : 2, "b"\n:3}}')).toContain('the key "b" twice');
  expect(read('{"__proto__":1,"__proto__":2}')).toContain('twice');
  expect(read('{"a":"b","b":["a","a",{"a":"a:"}],"c":{"a":1}}')).toBe('none');
});

test('a million keys take little time', () => {
  const text = `{${Array.from({ length: 300_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`;
  const start = performance.now();
  parseBoundedJson(json(text), { maxBytes: 1 << 24 });
  expect(performance.now() - start).toBeLessThan(20_000);
});

test('random damage to a manifest never gives another error', () => {
  const good = json({ ...manifest, annotations: { a: 'b' } });
  let state = 7;
  const random = (below: number) => {
    state = (state * 48271) % 2147483647;
    return (state >>> 8) % below;
  };
  for (let i = 0; i < 3000; i++) {
    const bad = Buffer.from(good);
    for (let n = 0; n <= random(3); n++) bad[random(bad.length)] = random(256);
    expect(errorOf(() => decodeManifest(bad, m.ociManifest))).toMatch(/^(none$|invalid_argument|not_implemented)/);
  }
});

test('an image configuration is read', () => {
  const image = {
    architecture: 'arm64',
    os: 'linux',
    variant: 'v8',
    created: '2026-01-01T00:00:00Z',
    author: 'me',
    config: {
      User: 'bob:staff',
      Env: ['A=b'],
      Entrypoint: [],
      Cmd: ['sh', '-c'],
      WorkingDir: '/w',
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/data': {} },
      Labels: { l: 'v', n: null },
      StopSignal: 'SIGINT',
      Healthcheck: { Test: ['CMD', 'x'] },
    },
    rootfs: { type: 'layers', diff_ids: [digest('a')] },
    history: [{ created_by: 'x', empty_layer: true }, {}],
  };
  expect(decodeImageConfig(json(image))).toEqual({
    platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    created: '2026-01-01T00:00:00Z',
    author: 'me',
    config: {
      user: 'bob:staff',
      env: ['A=b'],
      entrypoint: [],
      cmd: ['sh', '-c'],
      workingDir: '/w',
      exposedPorts: ['80/tcp'],
      volumes: ['/data'],
      labels: { l: 'v', n: '' },
      stopSignal: 'SIGINT',
      healthcheck: { test: ['CMD', 'x'], interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 },
    },
    diffIds: [digest('a')],
    history: [{ createdBy: 'x', emptyLayer: true }, {}],
  });
  const bare = decodeImageConfig(json('{}'));
  expect(bare.config).toEqual({
    user: '',
    env: [],
    workingDir: '',
    exposedPorts: [],
    volumes: [],
    labels: {},
    stopSignal: '',
  });
  expect(bare.diffIds).toEqual([]);
  const wrong = { ...image, rootfs: { type: 'layers', diff_ids: [digest('a'), 'x'] } };
  expect(errorOf(() => decodeImageConfig(json(wrong)))).toContain(
    'config.rootfs.diff_ids[1]: digest "x": invalid checksum digest format',
  );
  expect(errorOf(() => decodeImageConfig(json({ rootfs: { type: 'x' } })))).toContain('wanted "layers"');
  expect(errorOf(() => decodeImageConfig(json({ config: { Env: [1] } })))).toContain(
    'config.config.Env[0]: wanted a string',
  );
});

test('chain ids name the stack', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(digest) as [Digest, Digest, Digest];
  const ab = digestOf(`${a} ${b}`);
  expect(chainIds([a, b, c])).toEqual([a, ab, digestOf(`${ab} ${c}`)]);
  expect(chainId([a])).toBe(a);
  expect(chainIds([])).toEqual([]);
  expect(errorOf(() => chainId([]))).toContain('invalid_argument');
});

test('media types tell what is to be done with a layer', () => {
  const table: [string, string | undefined][] = [
    [m.ociLayer, 'none'],
    [m.ociLayerGzip, 'gzip'],
    [m.ociLayerZstd, 'zstd'],
    [`${m.ociLayerGzip}+encrypted`, 'gzip'],
    [`${m.ociLayer}+encrypted`, 'none'],
    [m.ociForeignLayerGzip, 'gzip'],
    [m.dockerLayer, 'sniff'],
    [m.dockerLayerGzip, 'gzip'],
    [m.dockerLayerZstd, 'zstd'],
    [m.dockerForeignLayerGzip, 'gzip'],
    [m.ociConfig, undefined],
    ['text/plain', undefined],
  ];
  for (const [mediaType, wanted] of table) {
    expect([mediaType, layerCompression(mediaType)]).toEqual([mediaType, wanted as never]);
    expect(isLayerType(mediaType)).toBe(wanted !== undefined);
  }
  expect(isForeignLayer(m.ociForeignLayerZstd)).toBe(true);
  expect(isForeignLayer(m.dockerForeignLayerGzip)).toBe(true);
  expect(isForeignLayer(m.ociLayerGzip)).toBe(false);
  expect(isEncrypted(`${m.ociLayerGzip}+encrypted`)).toBe(true);
  expect(decryptedType(`${m.ociLayerGzip}+encrypted`)).toBe(m.ociLayerGzip);
});
