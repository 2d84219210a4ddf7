import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { addon } from './addon.ts';

/** A program's copy in memory, which nobody can change. */
export interface SealedCopy extends Disposable {
  /** Where any process of this user finds the copy while this process lives and holds it. */
  readonly path: string;
  /** What a file's stat shows for as long as it is the one that was copied: `device:inode:size:seconds:nanoseconds` of its last change. */
  readonly original: string;
}

/**
 * Copies a program into memory and seals the copy. `undefined` where that cannot serve: for a script, whose interpreter would not find it;
 * under SELinux, where a program's file decides what it may do; where the kernel does not start programs from memory.
 * Costs the program's size in memory and some milliseconds.
 */
export function sealedCopy(program: string): SealedCopy | undefined {
  if (existsSync('/sys/fs/selinux/enforce')) return undefined;
  try {
    const from = openSync(program, 'r');
    try {
      if (!isElf(from)) return undefined;
      const original = identityOf(fstatSync(from, { bigint: true }));
      const fd = addon.sealedCopy(from);
      return { path: `/proc/${process.pid}/fd/${fd}`, original, [Symbol.dispose]: () => closeSync(fd) };
    } finally {
      closeSync(from);
    }
  } catch {
    return undefined; // who starts the program itself says what is wrong with it
  }
}

/** As `SealedCopy.original`; `undefined` when there is no such file. */
export function fileIdentity(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && identityOf(found);
}

interface Identifying {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

const second = 1_000_000_000n;

const identityOf = ({ dev, ino, size, mtimeNs }: Identifying): string =>
  [dev, ino, size, mtimeNs / second, mtimeNs % second].join(':');

function isElf(fd: number): boolean {
  const magic = Buffer.alloc(4);
  return readSync(fd, magic, 0, 4, 0) === 4 && magic.equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46]));
}
