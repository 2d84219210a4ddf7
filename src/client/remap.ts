import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument, isFault } from '#base/errors';
import type { Labels } from '#core/labels';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { IdMapping } from '#lib/oci/spec/spec';
import { withTempMount } from '#sys/mount';

/** Where the container's ids are on the host. */
export interface HostIds {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/**
 * A container's snapshot whose files belong to shifted ids, for a user namespace. The shifted tree is made once per image and ids and
 * kept as a snapshot of its own. Takes time with the number of files the first time.
 */
export async function prepareRemapped(
  snapshotter: Snapshotter,
  scope: Scope,
  key: string,
  parent: string,
  ids: HostIds,
  labels: Labels = {},
): Promise<readonly Mount[]> {
  const shifted = `${parent}-${nameOf(ids.uids)}-${nameOf(ids.gids)}`;
  await snapshotter.stat(scope, shifted).catch(async (thrown: unknown) => {
    if (!isFault(thrown, 'not_found')) throw thrown;
    await makeShifted(snapshotter, scope, shifted, parent, ids);
  });
  return snapshotter.prepare(scope, key, shifted, { labels });
}

async function makeShifted(
  snapshotter: Snapshotter,
  scope: Scope,
  name: string,
  parent: string,
  ids: HostIds,
): Promise<void> {
  const key = `${name}-remap`;
  const mounts = await snapshotter.prepare(scope, key, parent);
  try {
    await withTempMount(mounts, (root) => shiftOwners(root, ids));
    await snapshotter.commit(scope, name, key);
  } catch (thrown) {
    await snapshotter.remove(scope, key);
    throw thrown;
  }
}

/** One range from the container's root on is called by where it begins, as containerd does. */
const nameOf = (mappings: readonly IdMapping[]): string =>
  mappings.length === 1 && mappings[0]?.containerID === 0
    ? String(mappings[0].hostID)
    : mappings.map(({ containerID, hostID, size }) => `${containerID}.${hostID}.${size}`).join('_');

/** @throws invalid_argument for an id that is in none of several ranges: where it would go nobody can say */
function onHost(id: number, mappings: readonly IdMapping[], path: string): number {
  const [first] = mappings;
  if (mappings.length === 1 && first?.containerID === 0) return first.hostID + id;
  const found = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  if (found === undefined) throw invalidArgument(`${path} belongs to id ${id}, which no mapping has`);
  return found.hostID + id - found.containerID;
}

/**
 * Gives everything below and at a path to the owner's id on the host; links are changed themselves, never followed.
 * @internal for tests
 */
export const shiftOwners = (root: string, ids: HostIds): Promise<void> => shift(root, ids, new Map());

/** `linked`: whose several-named files are already, by inode. A union may have the same for names that it copies apart. */
async function shift(path: string, ids: HostIds, linked: Map<string, string>): Promise<void> {
  const stat = await lstat(path, { bigint: true });
  const inode = `${stat.dev}:${stat.ino}`;
  if (linked.get(inode) === `${stat.uid}:${stat.gid}`) return;
  const [uid, gid] = [onHost(Number(stat.uid), ids.uids, path), onHost(Number(stat.gid), ids.gids, path)];
  if (!stat.isDirectory() && stat.nlink > 1n) linked.set(inode, `${uid}:${gid}`);
  await lchown(path, uid, gid);
  // A change of owner takes these bits away.
  const mode = Number(stat.mode);
  if ((mode & 0o6000) !== 0 && !stat.isSymbolicLink()) await chmod(path, mode & 0o7777);
  if (stat.isDirectory()) for (const name of await readdir(path)) await shift(join(path, name), ids, linked);
}
