import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault } from '#base/errors';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { withTempMount } from '#sys/mount';

/** Where the container's root user and group are on the host. */
export interface HostIds {
  readonly uid: number;
  readonly gid: number;
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
): Promise<readonly Mount[]> {
  const shifted = `${parent}-${ids.uid}-${ids.gid}`;
  await snapshotter.stat(scope, shifted).catch(async (thrown: unknown) => {
    if (!isFault(thrown, 'not_found')) throw thrown;
    await makeShifted(snapshotter, scope, shifted, parent, ids);
  });
  return snapshotter.prepare(scope, key, shifted);
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
    await withTempMount(mounts, (root) => shift(root, ids));
    await snapshotter.commit(scope, name, key);
  } catch (thrown) {
    await snapshotter.remove(scope, key);
    throw thrown;
  }
}

/** Adds the ids to everything's owner below and at a path; links are changed themselves, never followed. */
async function shift(path: string, ids: HostIds): Promise<void> {
  const stat = await lstat(path);
  await lchown(path, stat.uid + ids.uid, stat.gid + ids.gid);
  // A change of owner takes these bits away.
  if ((stat.mode & 0o6000) !== 0 && !stat.isSymbolicLink()) await chmod(path, stat.mode & 0o7777);
  if (stat.isDirectory()) for (const name of await readdir(path)) await shift(join(path, name), ids);
}
