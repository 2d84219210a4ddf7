import { closeSync, constants, mkdtempSync, openSync, realpathSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { invalidArgument } from '#base/errors';
import { addon } from './addon.ts';
import { placeConfined } from './at.ts';
import { parseMountOptions, remountFlags } from './mount-options.ts';
import { mountsBelow } from './mountinfo.ts';

/** A mount to make: as in core's `Mount`, which fits. */
export interface MountSpec {
  readonly type: string;
  readonly source: string;
  /** Below the common target, resolved inside it; empty for the target itself. */
  readonly target: string;
  readonly options: readonly string[];
}

/**
 * Makes the mounts in order on `target` (an existing directory or file). After a failure those already made are undone.
 * @throws what mount(2) says (ENOENT, EINVAL, ENODEV, …)
 */
export async function mountAll(mounts: readonly MountSpec[], target: string): Promise<void> {
  let made = 0;
  try {
    for (const mount of mounts) {
      mountOne(mount, target);
      made++;
    }
  } catch (error) {
    if (made > 0) await unmountRecursive(target);
    throw error;
  }
}

/** Makes one mount. A bind with flags needs a second call, and propagation a third: this makes them all. */
export function mountOne(mount: MountSpec, target: string): void {
  if (mount.target === '') {
    mountOn(mount, target);
    return;
  }
  const root = openSync(target, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const place = placeConfined(root, mount.target);
    try {
      mountOn(mount, `/proc/self/fd/${place}`);
    } finally {
      closeSync(place);
    }
  } finally {
    closeSync(root);
  }
}

export interface UnmountOptions {
  /** Take it out of the tree now and let go of it when its last user does (MNT_DETACH). */
  readonly detach?: boolean;
  readonly force?: boolean;
}

const mntForce = 1;
const mntDetach = 2;
const noFollow = 8;

/** Unmounts the uppermost mount there. Not on the event loop: it may have to write back. @throws EINVAL when none is there; EBUSY */
export function unmount(target: string, options: UnmountOptions = {}): Promise<void> {
  return addon.umount(target, unmountFlags(options));
}

/** Unmounts all mounts that lie on one another there. Resolves also when there is none, or no such path. @throws EBUSY */
export async function unmountAll(target: string, options: UnmountOptions = {}): Promise<void> {
  for (;;) {
    try {
      await addon.umount(target, unmountFlags(options));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EINVAL' || code === 'ENOENT') return;
      throw error;
    }
  }
}

/** Unmounts everything at and below a directory, the last made first. Resolves also when nothing is there. */
export async function unmountRecursive(target: string, options: UnmountOptions = {}): Promise<void> {
  const rows = mountsBelow(realPath(target));
  for (const row of rows.reverse()) await unmountAll(row.mountpoint, options);
}

/** Mounts in a new directory for as long as `use` runs; the directory is gone afterwards. Costs about 0.2 ms. */
export async function withTempMount<T>(
  mounts: readonly MountSpec[],
  use: (root: string) => Promise<T>,
  options: { readonly tempDir?: string } = {},
): Promise<T> {
  const root = mkdtempSync(join(options.tempDir ?? tmpdir(), 'berth-mount-'));
  try {
    await mountAll(mounts.map(withoutVolatile), root);
    try {
      return await use(root);
    } finally {
      await unmountPatiently(root);
    }
  } finally {
    // Never recursively: if something should still be mounted there, it is not ours to delete.
    rmdirSync(root);
  }
}

/** A volatile overlay leaves a mark in its work directory that forbids every later mount; a short one must not. */
function withoutVolatile(mount: MountSpec): MountSpec {
  if (mount.type !== 'overlay') return mount;
  return { ...mount, options: mount.options.filter((option) => option !== 'volatile') };
}

/** The same mounts, but nothing can be written through them: an overlay's upper directory becomes its first lower one. */
export function readonlyMounts(mounts: readonly MountSpec[]): MountSpec[] {
  return mounts.map((mount) => ({
    ...mount,
    options: mount.type === 'overlay' ? readonlyOverlay(mount.options) : readonlyPlain(mount.options),
  }));
}

function readonlyPlain(options: readonly string[]): string[] {
  return [...options.filter((option) => option !== 'rw' && option !== 'ro'), 'ro'];
}

function readonlyOverlay(options: readonly string[]): string[] {
  const upper = options.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
  const writing = /^(upperdir|workdir)=|^volatile$/;
  return options
    .filter((option) => !writing.test(option))
    .map((option) =>
      upper !== undefined && option.startsWith('lowerdir=')
        ? `lowerdir=${upper}:${option.slice('lowerdir='.length)}`
        : option,
    );
}

function mountOn(mount: MountSpec, target: string): void {
  const parsed = parseMountOptions(mount.options);
  if (mount.type === '') throw invalidArgument(`mount of ${mount.source}: type is empty`);
  const source = mount.source === '' ? null : mount.source;
  const first = parsed.bind ? parsed.flags & remountFlags.bindOnly : parsed.flags;
  mountWithData(source, target, mount.type, first, parsed.data);
  if (parsed.bind && (parsed.flags & ~remountFlags.bindOnly) !== 0) {
    const again = (parsed.flags & ~remountFlags.recursive) | remountFlags.bind | remountFlags.remount;
    undoingOnFailure(target, () => addon.mount(null, target, null, again, null));
  }
  for (const propagation of parsed.propagation) {
    undoingOnFailure(target, () => addon.mount(null, target, null, propagation, null));
  }
}

function undoingOnFailure(target: string, step: () => void): void {
  try {
    step();
  } catch (error) {
    addon.umountSync(target, mntDetach);
    throw error;
  }
}

// mount(2) takes one page of options and cuts off the rest without a word.
const pageSize = 4096;

function mountWithData(source: string | null, target: string, type: string, flags: number, options: readonly string[]) {
  const data = options.join(',');
  if (Buffer.byteLength(data) < pageSize - 1) {
    addon.mount(source, target, type, flags, data === '' ? null : data);
    return;
  }
  if (type !== 'overlay') throw invalidArgument(`mount options of ${data.length} bytes`);
  if (!mountRelative(source, target, flags, options)) mountThroughDescriptors(source, target, flags, options);
}

/** From the directory that holds all of the overlay's directories their paths are short: `12/fs` for a snapshot. */
function mountRelative(source: string | null, target: string, flags: number, options: readonly string[]): boolean {
  const lowers = lowerDirectories(options);
  const common = commonDirectory(lowers);
  const relative = lowers.map((path) => path.slice(common === '/' ? 1 : common.length + 1));
  // A lower directory that is the common one itself, or one that begins like an option, has no such short form.
  if (relative.some((path) => path === '')) return false;
  const data = withLowers(options, relative);
  if (Buffer.byteLength(data) >= pageSize - 1) return false;
  withDirectory(common, (cwd) => addon.mount(source, resolved(target), 'overlay', flags, data, cwd));
  return true;
}

/** Where the short paths do not fit either: every lower directory is opened and called by its number in /proc/self/fd. */
function mountThroughDescriptors(source: string | null, target: string, flags: number, options: readonly string[]) {
  const opened: number[] = [];
  try {
    for (const lower of lowerDirectories(options))
      opened.push(openSync(lower, constants.O_RDONLY | constants.O_DIRECTORY));
    const data = withLowers(options, opened.map(String));
    if (Buffer.byteLength(data) >= pageSize - 1)
      throw invalidArgument(`overlay with ${opened.length} lower directories`);
    withDirectory(`/proc/${process.pid}/fd`, (cwd) =>
      addon.mount(source, resolved(target), 'overlay', flags, data, cwd),
    );
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function withDirectory(path: string, use: (fd: number) => void): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

function lowerDirectories(options: readonly string[]): string[] {
  const lower = options.find((option) => option.startsWith('lowerdir='))?.slice('lowerdir='.length) ?? '';
  // `\:` is a colon in a name.
  return (lower.match(/(?:\\.|[^:\\])+/g) ?? []).map((path) => path.replaceAll(/\\(.)/g, '$1'));
}

function withLowers(options: readonly string[], lowers: readonly string[]): string {
  const value = lowers.map((path) => path.replaceAll(/[\\:,]/g, '\\$&')).join(':');
  return options.map((option) => (option.startsWith('lowerdir=') ? `lowerdir=${value}` : option)).join(',');
}

function commonDirectory(paths: readonly string[]): string {
  let common = dirname(paths[0] ?? '/');
  for (const path of paths) {
    while (common !== '/' && !path.startsWith(`${common}/`)) common = dirname(common);
  }
  return common;
}

// Another working directory must not change what the target is.
const resolved = (target: string): string => (target.startsWith('/') ? target : join(process.cwd(), target));

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
    throw error;
  }
}

/** A scanner that looks at every new mount may hold it for a moment; after that it is let go lazily. */
async function unmountPatiently(target: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      return await unmountRecursive(target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      await Bun.sleep(25);
    }
  }
  await unmountRecursive(target, { detach: true });
}

function unmountFlags(options: UnmountOptions): number {
  return (options.detach ? mntDetach : 0) | (options.force ? mntForce : 0) | noFollow;
}
