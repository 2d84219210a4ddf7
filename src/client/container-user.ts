import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { invalidArgument } from '#base/errors';
import type { Container } from '#core/containers/containers';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import type { User } from '#lib/oci/spec/spec';
import { type ReadAccounts, resolveUser } from '#lib/oci/user';
import { openConfined } from '#sys/at';
import { readonlyMounts, withTempMount } from '#sys/mount';
import type { Client } from './client.ts';

/** Resolves a user as the container's own account files know him. @throws invalid_argument for one they do not know */
export async function userInContainer(
  client: Client,
  scope: Scope,
  container: Pick<Container, 'snapshotter' | 'snapshotKey'>,
  user: string,
): Promise<User> {
  if (container.snapshotKey === '') throw invalidArgument('rootfs absolute path is required');
  const snapshotter = await client.snapshotter(scope, container.snapshotter);
  return userInSnapshot(await snapshotter.mounts(scope, container.snapshotKey), user);
}

/** The same for a tree that these mounts show. They are made for the time of the look only. */
export const userInSnapshot = (mounts: readonly Mount[], user: string): Promise<User> =>
  withTempMount(readonlyMounts(mounts), (root) => userInRoot(root, user));

/** The same for a directory that is to be a container's root: nothing outside it is read, whatever links it holds. */
export async function userInRoot(root: string, user: string): Promise<User> {
  const rootFd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await resolveUser(user, accountsBelow(rootFd));
  } finally {
    closeSync(rootFd);
  }
}

const accountsBelow =
  (rootFd: number): ReadAccounts =>
  async (path, maxBytes) => {
    let fd: number;
    try {
      // Not to wait for a writer, where somebody put a fifo.
      fd = openConfined(rootFd, path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (thrown) {
      if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw thrown;
    }
    try {
      if (!fstatSync(fd).isFile()) throw invalidArgument(`${path} of the image: not a regular file`);
      const bytes = new Uint8Array(maxBytes + 1);
      let length = 0;
      for (let got = -1; got !== 0 && length < bytes.length; length += got)
        got = readSync(fd, bytes, length, bytes.length - length, null);
      return bytes.subarray(0, length);
    } finally {
      closeSync(fd);
    }
  };
