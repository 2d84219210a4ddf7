import { Buffer } from 'node:buffer';
import { closeSync, constants, ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { invalidArgument, isFault, wrap } from '#base/errors';
import { TarReader, type TarSink } from '#lib/tar/reader';
import { chownAt, mkdirAt, openConfined, placeConfined, statAt } from '#sys/at';
import { isDirectory, isRegular } from '#sys/stat';
import { FilesSink } from './files-sink.ts';
import { OneFileSink } from './one-file-sink.ts';
import { openFile } from './open-file.ts';
import { writeAll } from './write-all.ts';

export interface UnpackOptions {
  readonly preserveOwnership: boolean;
  readonly signal: AbortSignal;
  /** For what is about to take the place of a file. */
  readonly tempDir: string;
}

/** Unpacks an archive into a directory below `root`, or over a file that is there. @throws invalid_argument for a bad archive; what the file system says */
export async function unpackInto(
  root: number,
  path: string,
  archive: AsyncIterable<Uint8Array>,
  options: UnpackOptions,
): Promise<void> {
  const there = placeOf(root, path);
  if (there === 'file') return overFile(root, path, archive, options);
  const directory = makeDirectory(root, path);
  try {
    using sink = new FilesSink(`/proc/self/fd/${directory}`, options.preserveOwnership);
    await readAll(archive, sink, options.signal);
    sink.finish();
  } finally {
    closeSync(directory);
  }
}

async function readAll(archive: AsyncIterable<Uint8Array>, sink: TarSink, signal: AbortSignal): Promise<void> {
  const reader = new TarReader(sink);
  for await (const bytes of archive) {
    signal.throwIfAborted();
    reader.push(bytes);
  }
  reader.finish();
}

function placeOf(root: number, path: string): 'file' | 'directory' | 'nothing' {
  try {
    const fd = placeConfined(root, path === '' ? '.' : path);
    try {
      const found = statAt(fd, '');
      if (isDirectory(found)) return 'directory';
      if (!isRegular(found)) throw invalidArgument(`/${path} is neither a directory nor a plain file`);
      return 'file';
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (isFault(error, 'not_found')) return 'nothing';
    throw error;
  }
}

/** Opens it, made with all that is missing above it. */
function makeDirectory(root: number, path: string): number {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const parts = path.split('/').filter((part) => part !== '');
  let at = openConfined(root, '.', flags);
  for (const [i, part] of parts.entries()) {
    const upTo = parts.slice(0, i + 1).join('/');
    const open = () => openConfined(root, upTo, flags);
    const parent = at;
    try {
      at = openOrMake(open, () => mkdirAt(parent, part, 0o755));
    } catch (error) {
      throw wrap(error, `/${upTo}`);
    } finally {
      closeSync(parent);
    }
  }
  return at;
}

function openOrMake(open: () => number, make: () => void): number {
  try {
    return open();
  } catch (error) {
    if (!isFault(error, 'not_found')) throw error;
    make();
    return open();
  }
}

/** The archive's one file, written into the file that is there, which stays the same file: a container may have it open or mounted. */
async function overFile(
  root: number,
  path: string,
  archive: AsyncIterable<Uint8Array>,
  { preserveOwnership, signal, tempDir }: UnpackOptions,
): Promise<void> {
  const directory = mkdtempSync(join(tempDir || tmpdir(), 'berth-copy-'));
  const staged = openSync(join(directory, 'file'), constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const sink = new OneFileSink(staged, path);
    await readAll(archive, sink, signal);
    const { size, uid, gid } = sink.only();
    const target = openFile(root, path, constants.O_WRONLY, { follow: true });
    if (target === undefined) throw invalidArgument(`/${path} is no plain file`);
    try {
      copy(staged, target, size);
      if (preserveOwnership) chownAt(target, '', uid, gid);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(staged);
    rmSync(directory, { recursive: true });
  }
}

function copy(from: number, to: number, size: number): void {
  const piece = Buffer.allocUnsafe(256 * 1024);
  ftruncateSync(to, 0);
  for (let done = 0; done < size; ) {
    const got = readSync(from, piece, 0, Math.min(piece.length, size - done), done);
    writeAll(to, piece.subarray(0, got), done);
    done += got;
  }
}
