import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failedPrecondition, invalidArgument, isFault, wrap } from '#base/errors';
import { now } from '#base/timestamp';
import type { Mount } from '#core/mount';
import type { ActiveMount, MountHandler } from '#core/mounts/mounts';
import { attachLoop } from '#sys/loop';
import { mountOne, unmount, unmountAll } from '#sys/mount';
import type { AllowedRoots } from './allowed-roots.ts';
import { formatMount } from './format.ts';
import { makeDirectories } from './mkdir.ts';
import { makeFilesystem } from './mkfs.ts';
import type { PlannedMount } from './plan.ts';

/** With what single mounts are made and taken down. */
export interface Maker {
  readonly handlers: ReadonlyMap<string, MountHandler>;
  readonly roots: AllowedRoots;
}

/** Does what is to be done before the mount is made. @throws invalid_argument; what keeps it from being done */
export async function prepareMount(
  { roots }: Maker,
  { mount, steps }: PlannedMount,
  before: readonly ActiveMount[],
  signal: AbortSignal,
): Promise<Mount> {
  let ready = mount;
  for (const step of steps) {
    if (step === 'format') ready = formatMount(ready, before);
    else if (step === 'mkdir') ready = makeDirectories(ready, roots);
    else ready = await makeFilesystem(ready, roots, signal);
  }
  return ready;
}

/** Makes a prepared mount at `<directory>/<name>`; undone when it fails. */
export async function makeMount(
  { handlers }: Maker,
  mount: Mount,
  place: { readonly directory: string; readonly name: string },
  before: readonly ActiveMount[],
): Promise<ActiveMount> {
  const mountPoint = join(place.directory, place.name);
  const handler = handlers.get(mount.type);
  try {
    if (handler !== undefined)
      return { mount, mountedAt: now(), mountPoint, data: await handler.mount(mount, mountPoint, before) };
    if (mount.target !== '') throw invalidArgument(`target ${mount.target}: it is the manager who says where`);
    await mkdir(mountPoint, { mode: 0o700 });
    try {
      mountHere(mount, mountPoint);
    } catch (error) {
      await rmdir(mountPoint);
      throw error;
    }
    return { mount, mountedAt: now(), mountPoint, data: {} };
  } catch (thrown) {
    throw wrap(thrown, `mount ${mount.type} of ${mount.source}`);
  }
}

/** With the `loop` option the source is a file; its device goes with the mount. */
function mountHere(mount: Mount, target: string): void {
  if (!mount.options.includes('loop')) {
    mountOne(mount, target);
    return;
  }
  using device = attachLoop(mount.source, { readonly: mount.options.includes('ro') });
  const options = mount.options.filter((option) => option !== 'loop');
  mountOne({ ...mount, source: device.path, options }, target);
}

/** Takes one down, its mount point included. `hard`: out of the tree at once, whoever uses it. @throws failed_precondition while it is in use */
export async function unmakeMount({ handlers }: Maker, active: ActiveMount, hard: boolean): Promise<void> {
  const { mountPoint, mount } = active;
  const handler = handlers.get(mount.type);
  if (handler !== undefined) return handler.unmount(active);
  try {
    if (hard) await unmountAll(mountPoint, { detach: true });
    else await unmount(mountPoint);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY') throw failedPrecondition(`${mountPoint} is in use`, error);
    // Not a mount, or not there: whoever took it down was quicker.
    if (!['EINVAL', 'ENOENT'].includes(code)) throw wrap(error, mountPoint);
  }
  await rmdir(mountPoint).catch((error: unknown) => {
    if (!isFault(error, 'not_found')) throw error;
  });
}
