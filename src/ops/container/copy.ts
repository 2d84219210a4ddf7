import { createReadStream } from 'node:fs';
import { lstat, mkdtemp, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fault, invalidArgument, isFault, notFound } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { fromUnicode } from '#lib/tar/byte-text';
import type { TarEntry } from '#lib/tar/entry';
import { paddingOf } from '#lib/tar/reader';
import { encodeEntry, endOfArchive, zeros } from '#lib/tar/writer';
import { spawn } from '#sys/process';
import type { Engine } from '../engine.ts';
import { followInContainer, statInContainer } from './container-path.ts';

export interface CopyOptions {
  /** A link that is named itself means what it leads to. */
  readonly followLink?: boolean;
  /** Owners stay as they are; else the container's root, or whoever copies out. */
  readonly archive?: boolean;
}

type Bytes = AsyncIterable<Uint8Array>;

/** A path of a container as an archive. @throws not_found in docker's words */
export async function* archiveFrom(
  engine: Engine,
  container: Container,
  path: string,
  { followLink = false }: CopyOptions = {},
): AsyncGenerator<Uint8Array> {
  yield* engine.client.files.read(
    engine.scope,
    container.id,
    (await sourceOf(engine, container, path, followLink)).path,
  );
}

/** Unpacks an archive into a directory of a container. @throws not_found, invalid_argument when there is no such directory */
export async function archiveInto(
  engine: Engine,
  container: Container,
  path: string,
  archive: Bytes,
  { archive: preserveOwnership = false }: CopyOptions = {},
): Promise<void> {
  const target = await followInContainer(engine, container, path);
  if (target.entry === undefined) throw missing(container, path);
  if (target.entry.type !== 'dir') throw invalidArgument(`destination "${path}" must be a directory`);
  await engine.client.files.write(engine.scope, container.id, target.path, archive, { preserveOwnership });
}

/** Copies out of a container, as `cp` would: into a directory that is there, else under the name that is given. */
export async function copyOut(
  engine: Engine,
  container: Container,
  from: string,
  to: string,
  options: CopyOptions = {},
): Promise<void> {
  const source = await sourceOf(engine, container, from, options.followLink ?? false);
  const target = await kindOf(to);
  const contents = from.endsWith('/.') || from === '.' || from === '/';
  if (source.entry.type === 'dir' && target === 'file')
    throw fault('invalid_argument', `cannot copy a directory to a file: ${to}`);
  if (target === undefined && (await kindOf(dirname(to))) !== 'directory')
    throw invalidArgument(`directory ${dirname(to)} does not exist`);
  if (target === undefined && to.endsWith('/') && source.entry.type !== 'dir')
    throw invalidArgument(`destination directory ${to} must exist`);
  const archive = engine.client.files.read(engine.scope, container.id, source.path);
  if (target === 'directory' && !contents) return await extract(archive, to, options);
  // Under another name: made beside its place and put there when it is whole.
  const parent = target === 'directory' ? to : dirname(to.replace(/\/+$/, ''));
  const staged = await mkdtemp(join(parent, '.nerdctl-cp-'));
  try {
    await extract(archive, staged, options);
    const [name] = await readdir(staged);
    if (name === undefined) throw missing(container, from);
    if (target === 'directory') await mergeInto(join(staged, source.path === '/' ? '.' : name), to, options);
    else await rename(join(staged, name), to.replace(/\/+$/, ''));
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** Copies into a container, as `cp` would. @throws not_found, invalid_argument in docker's words */
export async function copyIn(
  engine: Engine,
  container: Container,
  from: string,
  to: string,
  options: CopyOptions = {},
): Promise<void> {
  const { client, scope } = engine;
  const path = options.followLink ? await realpath(from) : from;
  const { isDirectory, size } = await localStat(path);
  const target = await followInContainer(engine, container, to);
  const write = (place: string, archive: Bytes) =>
    client.files.write(scope, container.id, place, archive, { preserveOwnership: options.archive ?? false });
  if (isDirectory) {
    if (target.entry !== undefined && target.entry.type !== 'dir')
      throw invalidArgument(`cannot copy a directory to a file: ${to}`);
    const contents = target.entry === undefined || from.endsWith('/.') || from === '.';
    if (target.entry === undefined) await requireParent(engine, container, target.path, to);
    const whole = contents
      ? ['-C', path, '.']
      : ['-C', dirname(await realpath(path)), `./${basename(await realpath(path))}`];
    return await write(target.path, packed(whole));
  }
  if (target.entry?.type === 'dir') return await write(target.path, fileArchive(path, basename(from), size));
  if (to.endsWith('/')) throw invalidArgument(`destination directory ${to} must exist`);
  if (target.entry !== undefined) return await write(target.path, fileArchive(path, basename(target.path), size));
  await requireParent(engine, container, target.path, to);
  await write(dirname(target.path), fileArchive(path, basename(target.path), size));
}

async function sourceOf(
  engine: Engine,
  container: Container,
  path: string,
  followLink: boolean,
): Promise<{ readonly path: string; readonly entry: TarEntry }> {
  const entry = await statInContainer(engine, container, path);
  if (entry === undefined) throw missing(container, path);
  const follows = entry.type === 'symlink' && (followLink || /\/\.?$/.test(path));
  const found = follows ? await followInContainer(engine, container, path) : { path, entry };
  if (found.entry === undefined) throw missing(container, path);
  return { path: found.path.replace(/\/\.$/, '') || '/', entry: found.entry };
}

const missing = ({ id }: Container, path: string) => notFound(`Could not find the file ${path} in container ${id}`);

async function requireParent(engine: Engine, container: Container, path: string, asked: string): Promise<void> {
  const { entry } = await followInContainer(engine, container, dirname(path));
  if (entry?.type !== 'dir') throw missing(container, dirname(asked));
}

async function localStat(path: string): Promise<{ readonly isDirectory: boolean; readonly size: number }> {
  try {
    const found = await stat(path);
    return { isDirectory: found.isDirectory(), size: found.size };
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw thrown;
    throw new Error(`lstat ${path}: no such file or directory`, { cause: thrown });
  }
}

async function kindOf(path: string): Promise<'file' | 'directory' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
}

/** One file under a name. */
async function* fileArchive(path: string, name: string, size: number): AsyncGenerator<Uint8Array> {
  const { mode, uid, gid, mtimeMs } = await lstat(await realpath(path));
  const seconds = Math.floor(mtimeMs / 1000);
  yield encodeEntry({
    ...{ type: 'file', name: fromUnicode(name), linkName: '', mode: mode & 0o7777, uid, gid, size, major: 0, minor: 0 },
    mtime: { seconds, nanos: Math.floor((mtimeMs - seconds * 1000) * 1e6) },
  });
  let left = size;
  if (size > 0)
    for await (const chunk of createReadStream(path, { end: size - 1, highWaterMark: 1 << 20 })) {
      const bytes = chunk as Uint8Array;
      left -= bytes.length;
      yield bytes;
    }
  if (left > 0) throw fault('aborted', `${path} became shorter while it was read`);
  yield zeros(paddingOf(size));
  yield endOfArchive;
}

const environment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/** What this machine's tar makes of a directory. */
async function* packed(words: readonly string[]): AsyncGenerator<Uint8Array> {
  const child = spawn(['tar', '--numeric-owner', '-cf', '-', ...words], {
    env: environment,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const complaint = new Response(child.stderr).text();
  try {
    for await (const bytes of child.stdout as unknown as Bytes) yield bytes;
  } finally {
    child.kill('SIGKILL');
  }
  const { exitCode } = await child.exited;
  if (exitCode !== 0) throw new Error((await complaint).trim().split('\n')[0] ?? `tar ended with ${exitCode}`);
}

/** Unpacks with this machine's tar, which leaves no directory by names or links. @throws with what it says */
async function extract(
  archive: Bytes,
  directory: string,
  { archive: keepsOwners = false }: CopyOptions,
): Promise<void> {
  const owner = keepsOwners ? '--same-owner' : '--no-same-owner';
  const child = spawn(['tar', '--numeric-owner', owner, '-xpf', '-', '-C', directory], {
    ...{ env: environment, stdin: 'pipe', stderr: 'pipe' },
  });
  const complaint = new Response(child.stderr).text();
  try {
    for await (const bytes of archive) await child.write(bytes);
    await child.closeStdin();
  } catch (thrown) {
    child.kill('SIGKILL');
    if (!isFault(thrown, 'unavailable')) throw thrown; // it has ended: it says why
  }
  const { exitCode } = await child.exited;
  if (exitCode !== 0) throw new Error((await complaint).trim().split('\n')[0] ?? `tar ended with ${exitCode}`);
}

/** Puts what is in one directory into another, over what is there. */
const mergeInto = (from: string, to: string, options: CopyOptions): Promise<void> =>
  extract(packed(['-C', from, '.']), to, options);
