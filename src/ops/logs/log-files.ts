import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isFault } from '#base/errors';

/** A file of a log, open. It stays the same when it is renamed. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
  /** The number that it had when it was opened: 0 for the youngest. Rotation makes it larger. */
  readonly number: number;
}

const blockSize = 64 << 10;
const newline = 0x0a;
/** In a rotation one file after the other gets the next number, so that for a moment one of the numbers is missing. */
const tries = 20;

const pathOf = (path: string, number: number): string => (number === 0 ? path : `${path}.${number}`);

/** Opens the files of a rotated log (`path.2`, `path.1`, `path`), the oldest first. None when there is no log. */
export async function openLogFiles(path: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  try {
    let file = await openYoungest(path);
    while (file !== undefined) {
      files.unshift(file);
      file = await openNeighbour(path, file, 1);
    }
    return files;
  } catch (thrown) {
    await closeLogFiles(files);
    throw thrown;
  }
}

/**
 * Opens the file that came after this one; undefined when there is none (yet). When this one is not among them any more, because rotation or
 * somebody else removed it, the oldest that was written after it.
 */
export async function openYounger(path: string, file: LogFile): Promise<LogFile | undefined> {
  if ((await numberOf(path, file)) !== undefined) return await openNeighbour(path, file, -1);
  const { mtimeNs } = await file.handle.stat({ bigint: true });
  for (let number = await lastNumber(path); number >= 0; number--) {
    const found = await openOne(path, number);
    if (found !== undefined && (await found.handle.stat({ bigint: true })).mtimeNs >= mtimeNs) return found;
    await found?.handle.close();
  }
  return undefined;
}

export async function closeLogFiles(files: readonly LogFile[]): Promise<void> {
  for (const { handle } of files) await handle.close();
}

/** The inode of what stands at a path. */
export async function inodeAt(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
}

async function openYoungest(path: string): Promise<LogFile | undefined> {
  for (let n = 0; n < tries; n++) {
    const file = await openOne(path, 0);
    if (file !== undefined || (await lastNumber(path)) === 0) return file;
    await wait(1);
  }
  return await openOne(path, 1);
}

/**
 * Opens the next older (1) or younger (-1) one. All may get other numbers meanwhile: what was opened is the neighbour if the file that it was
 * looked for beside has kept its own.
 */
async function openNeighbour(path: string, file: LogFile, step: 1 | -1): Promise<LogFile | undefined> {
  for (let n = 0; n < tries; ) {
    const number = await numberOf(path, file);
    if (number === undefined || number + step < 0) return undefined;
    const found = await openOne(path, number + step);
    const kept = (await inodeAt(pathOf(path, number))) === file.inode;
    if (kept && found !== undefined) return found;
    await found?.handle.close();
    if (!kept) continue;
    if (step === 1 && (await lastNumber(path)) <= number) return undefined;
    n++;
    await wait(1);
  }
  return undefined;
}

async function numberOf(path: string, { inode, number }: LogFile): Promise<number | undefined> {
  for (let n = 0; n < tries; n++) {
    for (let at = number; at <= (await lastNumber(path)); at++)
      if ((await inodeAt(pathOf(path, at))) === inode) return at;
  }
  return undefined;
}

async function openOne(path: string, number: number): Promise<LogFile | undefined> {
  try {
    const handle = await open(pathOf(path, number), 'r');
    return { handle, inode: (await handle.stat({ bigint: true })).ino, number };
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
}

async function lastNumber(path: string): Promise<number> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch((): string[] => []);
  const ends = names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  return Math.max(0, ...ends.filter((end) => /^[1-9]\d{0,5}$/.test(end)).map(Number));
}

/**
 * Where the last `count` lines begin: in which of the files, and at which byte. A line that has no end yet is none. Reads backwards, no more
 * than these lines.
 */
export async function findTail(files: readonly LogFile[], count: number): Promise<{ file: number; at: number }> {
  let missing = count;
  for (let file = files.length - 1; file >= 0; file--) {
    const { handle } = files[file] as LogFile;
    const found = await tailOf(handle, missing);
    if (found.at !== undefined) return { file, at: found.at };
    missing -= found.lines;
  }
  return { file: 0, at: 0 };
}

/** `at` is where the last `count` lines begin; without it the file has no more than `lines`, which are fewer or just as many. */
async function tailOf(handle: FileHandle, count: number): Promise<{ at?: number; lines: number }> {
  const block = Buffer.alloc(blockSize);
  let ends = 0;
  for (let to = (await handle.stat()).size; to > 0; ) {
    const from = Math.max(0, to - blockSize);
    const { bytesRead } = await handle.read(block, 0, to - from, from);
    for (let end = bytesRead; end > 0; ) {
      const at = block.subarray(0, end).lastIndexOf(newline);
      if (at < 0) break;
      if (ends === count) return { at: from + at + 1, lines: ends };
      ends++;
      end = at;
    }
    to = from;
  }
  return { lines: ends };
}
