import { randomBytes } from 'node:crypto';
import { dataLoss, isFault } from '#base/errors';
import type { Descriptor } from '#core/descriptor';
import { decoderPayloads } from '#core/diff/encrypted-layer';
import { type FoundManifest, readConfig } from '#core/images/image-content';
import type { Scope } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { Digest } from '#lib/digest';
import { chainIds } from '#lib/oci/image-config';
import type { Client } from './client.ts';

export interface UnpackImageOptions {
  /** Have the files brought to the disk before a layer counts as unpacked. */
  readonly syncFs?: boolean;
}

/**
 * Unpacks an image that is in the content store, layer after layer, by calls that every daemon knows. Layers that stand already are
 * left alone. Returns the name of the topmost snapshot. @throws data_loss when a layer is not what the image's configuration says
 */
export async function unpackImage(
  client: Client,
  scope: Scope,
  { manifest }: FoundManifest,
  snapshotterName: string,
  options: UnpackImageOptions = {},
): Promise<string> {
  await using lease = await client.lease(scope);
  const snapshotter = await client.snapshotter(scope, snapshotterName);
  const { diffIds } = await readConfig(client.content, scope, manifest);
  if (manifest.layers.length !== diffIds.length)
    throw dataLoss(`image has ${manifest.layers.length} layers and ${diffIds.length} diff ids`);
  const names = chainIds(diffIds);
  let parent = '';
  for (const [at, layer] of manifest.layers.entries()) {
    const [name, diffId] = [names[at], diffIds[at]] as [string, Digest]; // as many as layers
    await unpackLayer({ client, scope: lease.scope, snapshotter, ...options }, layer, { name, parent, diffId });
    parent = name;
  }
  const label = `containerd.io/gc.ref.snapshot.${await client.snapshotterName(scope, snapshotterName)}`;
  await client.content.update(scope, { digest: manifest.config.digest, labels: { [label]: parent } }, [
    `labels.${label}`,
  ]);
  return parent;
}

interface Place extends UnpackImageOptions {
  readonly client: Client;
  readonly scope: Scope;
  readonly snapshotter: Snapshotter;
}

async function unpackLayer(
  { client, scope, snapshotter, syncFs = false }: Place,
  layer: Descriptor,
  target: { readonly name: string; readonly parent: string; readonly diffId: Digest },
): Promise<void> {
  const key = `extract-${Date.now()}-${randomBytes(3).toString('base64url')} ${target.name}`;
  const labels = { 'containerd.io/snapshot.ref': target.name };
  try {
    const mounts = await snapshotter.prepare(scope, key, target.parent, { labels });
    const { digest } = await client.differ.apply(scope, layer, mounts, { payloads: decoderPayloads(layer), syncFs });
    if (digest !== target.diffId) throw dataLoss(`wrong diff id calculated on extraction ${JSON.stringify(digest)}`);
    await snapshotter.commit(scope, target.name, key, { labels });
    const label = 'containerd.io/uncompressed';
    await client.content.update(scope, { digest: layer.digest, labels: { [label]: digest } }, [`labels.${label}`]);
  } catch (thrown) {
    if (!isFault(thrown, 'already_exists')) {
      await snapshotter.remove(scope, key).catch(() => {}); // may never have been made; the first error counts, collection takes the rest
      throw thrown;
    }
    await snapshotter.remove(scope, key).catch((missing: unknown) => {
      if (!isFault(missing, 'not_found')) throw missing;
    });
  }
}
