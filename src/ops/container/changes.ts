import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { invalidArgument } from '#base/errors';
import { sealedView } from '#client/sealed-view';
import type { Container } from '#core/containers/containers';
import type { Descriptor } from '#core/descriptor';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import { mediaTypes } from '#lib/oci/media-types';
import { toDisplay } from '#lib/tar/byte-text';
import { TarReader } from '#lib/tar/reader';
import { oPath, openConfined } from '#sys/at';
import { readonlyMounts, withTempMount } from '#sys/mount';
import type { Engine } from '../engine.ts';

/** docker's letters: added, changed, deleted. */
export interface Change {
  readonly kind: 'A' | 'C' | 'D';
  readonly path: string;
}

/** What a container has changed in its image's files, in order of path. Its volumes are not of them. @throws invalid_argument for one without a snapshot */
export async function changesOf(engine: Engine, container: Container): Promise<readonly Change[]> {
  const { client, scope } = engine;
  await using lease = await client.lease(scope);
  const entries: string[] = [];
  return await withTrees(engine, lease.scope, container, async (lower, upper) => {
    const layer = await client.differ.compare(lease.scope, lower, upper, {
      ref: refFor('diff'),
      mediaType: mediaTypes.ociLayer,
    });
    const reader = new TarReader({ entry: ({ name }) => entries.push(toDisplay(name)), data: () => {}, end: () => {} });
    for await (const chunk of blobOf(engine, lease.scope, layer)) reader.push(chunk);
    reader.finish();
    return await withTempMount(readonlyMounts(lower), async (root) => classified(root, entries));
  });
}

/** The container's root as it is now, as a tar archive. @throws as `changesOf` */
export async function* exportContainer(engine: Engine, container: Container): AsyncGenerator<Uint8Array> {
  const { client, scope } = engine;
  await using lease = await client.lease(scope);
  const layer = await withTrees(engine, lease.scope, container, (_, upper) =>
    client.differ.compare(lease.scope, [], upper, { ref: refFor('export'), mediaType: mediaTypes.ociLayer }),
  );
  yield* blobOf(engine, lease.scope, layer);
}

/** Shows the image's tree and the container's. */
export async function withTrees<T>(
  { client }: Engine,
  scope: Scope,
  { id, snapshotter: name, snapshotKey }: Container,
  use: (lower: readonly Mount[], upper: readonly Mount[]) => Promise<T>,
): Promise<T> {
  if (snapshotKey === '') throw invalidArgument(`container ${id} has a root that no snapshotter keeps`);
  const snapshotter = await client.snapshotter(scope, name);
  const { parent } = await snapshotter.stat(scope, snapshotKey);
  const upper = await snapshotter.mounts(scope, snapshotKey);
  if (parent === '') return await use([], upper);
  await using lower = await sealedView(snapshotter, scope, parent);
  return await use(lower.mounts, upper);
}

export const refFor = (what: string): string => `nerdctl-${what}-${randomBytes(8).toString('hex')}`;

async function* blobOf({ client }: Engine, scope: Scope, { digest }: Descriptor): AsyncGenerator<Uint8Array> {
  await using blob = await client.content.open(scope, digest);
  const piece = 1 << 20;
  for (let at = 0; at < blob.size; ) {
    const bytes = await blob.read(at, Math.min(piece, blob.size - at));
    if (bytes.length === 0) return;
    yield bytes;
    at += bytes.length;
  }
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

function classified(root: string, entries: readonly string[]): readonly Change[] {
  const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const changes: Change[] = [];
    for (const entry of entries) {
      const path = `/${entry.replace(/^\.?\/+/, '').replace(/\/+$/, '')}`;
      const name = basename(path);
      if (path === '/' || path === '/.' || name === opaque) continue;
      if (name.startsWith(whiteout))
        changes.push({
          kind: 'D',
          path: `${dirname(path) === '/' ? '' : dirname(path)}/${name.slice(whiteout.length)}`,
        });
      else changes.push({ kind: isThere(fd, path) ? 'C' : 'A', path });
    }
    return changes.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  } finally {
    closeSync(fd);
  }
}

function isThere(root: number, path: string): boolean {
  try {
    closeSync(openConfined(root, path, oPath | constants.O_NOFOLLOW));
    return true;
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return false;
    throw thrown;
  }
}
