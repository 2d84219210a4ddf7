import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pull } from '#client/transfer';
import { type Member, tarOf } from '#lib/tar/small-archive';
import { layerOf } from '#test/support/busybox-image';
import { sha256 } from '#test/support/fake-registry';
import { type Publish, pullBench } from '#test/support/pull-bench';
import { publish, type SampleLayer, sampleImage, sampleLayer } from '#test/support/sample-image';

const bench = pullBench();
const { refused } = bench;
/** The error says which layer it is about. */
const named = /^failed to extract layer sha256:[0-9a-f]{64}: apply layer: ./;

const good = sampleLayer({ 'etc/': '', 'etc/a': 'good' });
const withLayers = (...layers: SampleLayer[]): Publish => {
  return (registry) => publish(registry, 'a/b', 'bad', sampleImage([good, ...layers]));
};
const tar = (...members: Member[]): SampleLayer => layerOf(tarOf(members));
const blobAs = (blob: Buffer, mediaType: string, diffId = sha256(randomBytes(1))): SampleLayer => ({
  tar: Buffer.alloc(0),
  blob,
  diffId,
  descriptor: { mediaType, digest: sha256(blob), size: blob.length },
});
const oci = (suffix: string) => `application/vnd.oci.image.layer.v1.tar${suffix}`;

const plain = tarOf(Array.from({ length: 50 }, (_, i) => ({ name: `f${i}`, data: randomBytes(10_000) })));
const zipped = gzipSync(plain);
const flipped = Buffer.from(zipped);
flipped.writeUInt32BE(0xdeadbeef, zipped.length >> 1);

refused('a gzip layer cut short', 'data_loss', named, withLayers(blobAs(zipped.subarray(0, -5000), oci('+gzip'))));
refused('a gzip layer with other bytes in the middle', 'data_loss', named, withLayers(blobAs(flipped, oci('+gzip'))));
refused(
  'a zstd layer cut short',
  'data_loss',
  named,
  withLayers(blobAs(zstdCompressSync(plain).subarray(0, -5000), oci('+zstd'))),
);
refused('a tar cut short', 'data_loss', named, withLayers(layerOf(plain.subarray(0, 100_000))));
refused('a tar cut short, not compressed', 'data_loss', named, withLayers(blobAs(plain.subarray(0, 100_000), oci(''))));
refused(
  'a layer that is no archive',
  'invalid_argument',
  named,
  withLayers(layerOf(Buffer.from('not a tar'.repeat(1000)))),
);
refused(
  'an empty blob as a layer',
  'failed_precondition',
  /unpacks to sha256:/,
  withLayers(blobAs(Buffer.alloc(0), oci('+gzip'))),
);
refused('a layer that is not what its diff id says', 'failed_precondition', /unpacks to sha256:/, (registry) =>
  publish(registry, 'a/b', 'bad', sampleImage([good], { diffIds: [sha256('other')] })),
);
refused('fewer diff ids than layers', 'invalid_argument', /image has 2 layers, its configuration names 1/, (registry) =>
  publish(registry, 'a/b', 'bad', sampleImage([good, sampleLayer({ x: 'y' })], { diffIds: [good.diffId] })),
);
refused(
  'a hard link to what is not there',
  'invalid_argument',
  named,
  withLayers(tar({ name: 'h', type: 'link', linkName: 'nothing' })),
);
refused('a name of 300 characters', 'invalid_argument', named, withLayers(tar({ name: 'n'.repeat(300), data: 'x' })));
refused(
  'a path of 10 000 parts',
  'invalid_argument',
  named,
  withLayers(tar({ name: `${'d/'.repeat(10_000)}x`, data: 'x' })),
);
refused(
  'a link to itself used as a directory',
  'invalid_argument',
  named,
  withLayers(tar({ name: 'l', type: 'symlink', linkName: 'l' }, { name: 'l/x', data: 'x' })),
);
refused(
  'a chain of a hundred links used as a directory',
  'invalid_argument',
  named,
  withLayers(
    tar(...Array.from({ length: 100 }, (_, i): Member => ({ name: `l${i}`, type: 'symlink', linkName: `l${i + 1}` })), {
      name: 'l0/x',
      data: 'x',
    }),
  ),
);
refused(
  'a sparse file of 10 GiB',
  'resource_exhausted',
  named,
  withLayers(tar({ name: 'hole', size: 10 * 2 ** 30, extents: [{ offset: 0, length: 1 }], data: 'x' })),
);
refused(
  'a gigabyte of zeros in a megabyte of gzip',
  'resource_exhausted',
  named,
  withLayers(blobAs(bomb(), oci('+gzip'))),
);
refused(
  '3000 files where 2000 are allowed',
  'resource_exhausted',
  named,
  withLayers(tar(...Array.from({ length: 3000 }, (_, i) => ({ name: `f${i}` })))),
);

test('links out of the tree, absolute or by .., lead nowhere outside', async () => {
  const { client, daemon, registry, scope, reference } = bench;
  withLayers(
    tar(
      { name: '../../up', data: 'x' },
      { name: '/absolute', data: 'x' },
      { name: 'out', type: 'symlink', linkName: '/' },
      { name: 'out/inside', data: 'x' },
      { name: 'up', type: 'symlink', linkName: '../../../../../..' },
      { name: 'up/escaped-berth', data: 'x' },
      { name: 'hard', type: 'link', linkName: '../../absolute' },
    ),
  )(registry);
  await pull(client, scope, reference);
  const found = Bun.spawnSync([
    'find',
    daemon.root,
    '-name',
    'escaped-berth',
    '-o',
    '-name',
    'inside',
  ]).stdout.toString();
  expect(
    found
      .trim()
      .split('\n')
      .every((path) => /snapshots\/\d+\/fs\//.test(path)),
  ).toBe(true);
  for (const path of ['/escaped-berth', '/inside', '/absolute', '/up']) expect(Bun.file(path).size).toBe(0);
  await client.images.delete(scope, reference, { sync: true });
  await bench.expectNothing();
}, 120_000);

/** One file of a gigabyte of zeros. */
function bomb(): Buffer {
  const head = tarOf([{ name: 'zeros', size: 2 ** 30, data: '' }], Buffer.alloc(0));
  const part = gzipSync(Buffer.alloc(1 << 24));
  // Members of gzip may follow one another: a small one again and again.
  return Buffer.concat([gzipSync(head), ...Array.from({ length: 64 }, () => part)]);
}
