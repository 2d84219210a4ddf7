import { createHash } from 'node:crypto';
import { isFault } from '#base/errors';
import { unpackImage } from '#client/unpack';
import { writeBlob } from '#client/write-blob';
import { manifestFor } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import { decompressed } from '#core/transfer/engine/decompress';
import { openWriter } from '#core/transfer/engine/open-writer';
import { parseDigest } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { defaultPlatform, onlyPlatform, type Platform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { applyChanges } from './changes.ts';
import { fullName } from './find.ts';

export interface ImportOptions {
  /** Empty: the image is named by its digest only. */
  readonly name?: string;
  readonly message?: string;
  readonly platform?: Platform;
  /** Instructions of a Dockerfile that say how the image is run. */
  readonly changes?: readonly string[];
}

/**
 * Makes an image of one layer, from a tar of a file system, packed or not.
 *
 * @throws invalid_argument for a name or an instruction that is none
 */
export async function importImage(
  engine: Engine,
  tar: AsyncIterable<Uint8Array>,
  { name = '', message = '', platform = defaultPlatform(), changes = [] }: ImportOptions = {},
): Promise<Image> {
  const { client, scope, config } = engine;
  const wanted = name === '' ? undefined : fullName(name);
  const run = applyChanges({}, changes);
  await using lease = await client.lease(scope);
  const layer = await writeLayer(engine, lease.scope, lease.id, tar);
  const created = new Date().toISOString();
  const document = {
    created,
    architecture: platform.architecture,
    ...(platform.variant !== undefined && platform.variant !== '' && { variant: platform.variant }),
    os: platform.os,
    config: run,
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
    history: [{ created, comment: message === '' ? 'Imported from -' : message }],
  };
  const bytesOf = (value: object) => Buffer.from(JSON.stringify(value));
  const configuration = await writeBlob(client.content, lease.scope, {
    mediaType: mediaTypes.ociConfig,
    bytes: bytesOf(document),
  });
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: configuration, layers: [layer] };
  const target = await writeBlob(client.content, lease.scope, {
    mediaType: mediaTypes.ociManifest,
    bytes: bytesOf(manifest),
    labels: {
      'containerd.io/gc.ref.content.config': configuration.digest,
      'containerd.io/gc.ref.content.l.0': layer.digest,
    },
  });
  const image = { name: wanted ?? `import@${target.digest}`, target, labels: {} };
  const made = await client.images.create(lease.scope, image).catch(async (thrown: unknown) => {
    if (!isFault(thrown, 'already_exists')) throw thrown;
    return await client.images.update(lease.scope, image);
  });
  await unpackImage(
    client,
    lease.scope,
    await manifestFor(client.content, scope, target, onlyPlatform(platform)),
    config.snapshotter,
  );
  return made;
}

/** The layer as it is unpacked, so that its digest is its diff id. */
async function writeLayer({ client }: Engine, scope: Engine['scope'], ref: string, tar: AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256');
  let size = 0;
  const writer = await openWriter(client.content, scope, `import-${ref}`, {});
  if (writer === undefined) throw new Error('a layer without a known digest cannot be there');
  await using open = writer;
  for await (const bytes of decompressed(tar)) {
    hash.update(bytes);
    size += bytes.length;
    await open.write(bytes);
  }
  const digest = parseDigest(`sha256:${hash.digest('hex')}`);
  try {
    await open.commit(size, digest, {});
  } catch (thrown) {
    if (!isFault(thrown, 'already_exists')) throw thrown;
  }
  return { mediaType: mediaTypes.ociLayer, digest, size };
}
