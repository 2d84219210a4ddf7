import { randomBytes } from 'node:crypto';
import { closeSync, constants, ftruncateSync } from 'node:fs';
import { failedPrecondition, fault, invalidArgument, isFault } from '#base/errors';
import type { Mount } from '#core/mount';
import { openAt, renameAt, statAt, unlinkAt } from '#sys/at';
import { syncPath } from '#sys/fs';
import { run } from '#sys/process';
import type { AllowedRoots, Place } from './allowed-roots.ts';

const prefix = 'X-containerd.mkfs.';

interface Wanted {
  readonly fs: string;
  readonly size: number;
  readonly uuid: string;
}

/** Filesystem → program and the arguments for a uuid. */
const programs: Readonly<Record<string, (uuid: string) => readonly string[]>> = {
  ext2: (uuid) => ['-U', uuid],
  ext3: (uuid) => ['-U', uuid],
  ext4: (uuid) => ['-U', uuid],
  xfs: (uuid) => ['-m', `uuid=${uuid}`],
};

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Makes a file with an empty filesystem of the mount's source, if there is none yet (`X-containerd.mkfs.size=…`, `fs`, `uuid`), and drops those options.
 * The file appears only when it is complete. @throws invalid_argument; what the program says
 */
export async function makeFilesystem(mount: Mount, roots: AllowedRoots, signal: AbortSignal): Promise<Mount> {
  const wanted = parse(mount.options);
  using place = roots.place(mount.source);
  if (!exists(place, mount.source)) await make(place, mount.source, wanted, signal);
  return { ...mount, options: mount.options.filter((option) => !option.startsWith(prefix)) };
}

function parse(options: readonly string[]): Wanted {
  const given = new Map<string, string>();
  for (const option of options.filter((each) => each.startsWith(prefix))) {
    const [key = '', ...value] = option.slice(prefix.length).split('=');
    if (!['size', 'fs', 'uuid'].includes(key)) throw invalidArgument(`mount option ${JSON.stringify(option)}`);
    given.set(key, value.join('='));
  }
  const fs = given.get('fs') ?? 'ext4';
  if (!Object.hasOwn(programs, fs))
    throw invalidArgument(`filesystem ${JSON.stringify(fs)}: wanted ext2, ext3, ext4 or xfs`);
  const uuid = given.get('uuid') ?? '';
  if (!/^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$/.test(uuid))
    throw invalidArgument(`uuid ${JSON.stringify(uuid)}`);
  return { fs, uuid, size: parseSize(given.get('size') ?? '') };
}

/** `1073741824`, `1GiB`, `64m`: units are powers of 1024. @throws invalid_argument */
export function parseSize(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  const size = Math.floor(Number(digits) * 1024 ** ' kmgtp'.indexOf(unit.toLowerCase() || ' '));
  if (digits === '' || !Number.isSafeInteger(size) || size <= 0)
    throw invalidArgument(`${prefix}size=${text}: wanted a size such as 512MiB`);
  return size;
}

function exists({ directory, name }: Place, path: string): boolean {
  try {
    const { mode } = statAt(directory, name);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw failedPrecondition(`${path} is there, and is no file`);
    return true;
  } catch (error) {
    if (isFault(error, 'not_found')) return false;
    throw error;
  }
}

async function make(place: Place, path: string, { fs, size, uuid }: Wanted, signal: AbortSignal): Promise<void> {
  const { directory, name } = place;
  const half = `.${name}.${randomBytes(4).toString('hex')}.new`;
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC;
  const file = openAt(directory, half, flags, 0o640);
  try {
    ftruncateSync(file, size);
    const program = `mkfs.${fs}`;
    const through = `/proc/${process.pid}/fd/${file}`;
    const args = [program, '-q', ...(uuid === '' ? [] : (programs[fs]?.(uuid) ?? [])), through];
    const env = { PATH: `${process.env.PATH ?? ''}:${usualPath}` };
    const { exitCode, stdout, stderr } = await run(args, { env, signal, maxOutput: 4096 });
    if (exitCode !== 0)
      throw fault('unknown', `${program} ${path}: ${`${stdout}${stderr}`.trim() || `ended with ${exitCode}`}`);
    await syncPath(through);
    appear(place, half);
  } catch (error) {
    unlinkAt(directory, half);
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Not in the place of one that somebody else has made meanwhile, and may have mounted. */
function appear({ directory, name }: Place, half: string): void {
  try {
    renameAt(directory, half, directory, name, 'keep');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    unlinkAt(directory, half);
  }
}
