import { silent } from '#base/log';
import { type FoundManifest, readConfig } from '#core/images/image-content';
import type { Scope } from '#core/scope';
import { Unpacker } from '#core/transfer/engine/unpack';
import { Limiter } from '#core/transfer/limiter';
import { ProgressBoard } from '#core/transfer/progress';
import { chainId } from '#lib/oci/image-config';
import type { Client } from './client.ts';
import { storesOf } from './local-transfer.ts';

export interface UnpackImageOptions {
  /** Have the files brought to the disk before a layer counts as unpacked. */
  readonly syncFs?: boolean;
}

/**
 * Unpacks an image that is in the content store, layer after layer, by calls that every daemon knows. Layers that stand already are
 * left alone. Returns the name of the topmost snapshot. @throws as `Unpacker.unpack`
 */
export async function unpackImage(
  client: Client,
  scope: Scope,
  { manifest }: FoundManifest,
  snapshotterName: string,
  { syncFs = false }: UnpackImageOptions = {},
): Promise<string> {
  await using lease = await client.lease(scope);
  const snapshotter = await client.snapshotterName(scope, snapshotterName);
  const { diffIds } = await readConfig(client.content, scope, manifest);
  const there = { file: Promise.resolve(undefined), done: Promise.resolve() };
  const layers = manifest.layers.map((descriptor) => ({ descriptor, ...there }));
  const unpacker = new Unpacker(storesOf(client), () => client.differ, new Limiter(1), silent);
  using board = new ProgressBoard(undefined);
  await unpacker.unpack(lease.scope, { snapshotter, config: manifest.config, diffIds, layers, syncFs }, board);
  return chainId(diffIds);
}
