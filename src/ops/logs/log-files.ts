import { type FileHandle, open, readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isFault } from '#base/errors';

/** A file of a log, open. It stays the same when it is renamed. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
}

const blockSize = 64 << 10;
const newline = 0x0a;

/**
 * Opens the files of a rotated log (`path.2`, `path.1`, `path`), the oldest first; only those younger than the one with the inode `after`
 * when that is among them. Opened from the youngest on: one that is renamed meanwhile is met twice, never missed.
 */
export async function openLogFiles(path: string, after?: bigint): Promise<LogFile[]> {
  const files: LogFile[] = [];
  try {
    for (let n = 0; ; n++) {
      const file = await openOne(n === 0 ? path : `${path}.${n}`);
      if (file === undefined && n > (await lastNumber(path))) return files.reverse();
      if (file === undefined) continue;
      const known = file.inode === after || files.some(({ inode }) => inode === file.inode);
      if (known) await file.handle.close();
      else files.push(file);
      if (file.inode === after) return files.reverse();
    }
  } catch (thrown) {
    await closeLogFiles(files);
    throw thrown;
  }
}

export async function closeLogFiles(files: readonly LogFile[]): Promise<void> {
  for (const { handle } of files) await handle.close();
}

async function openOne(path: string): Promise<LogFile | undefined> {
  try {
    const handle = await open(path, 'r');
    return { handle, inode: (await handle.stat({ bigint: true })).ino };
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
}

async function lastNumber(path: string): Promise<number> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch((): string[] => []);
  const numbers = names.filter((name) => name.startsWith(prefix) && existsAsNumber(name.slice(prefix.length)));
  return Math.max(0, ...numbers.map((name) => Number(name.slice(prefix.length))));
}

const existsAsNumber = (text: string): boolean => /^[1-9]\d{0,5}$/.test(text);

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
