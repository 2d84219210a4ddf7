import { Fault } from '#base/errors';
import type { TarEntry } from '#lib/tar/entry';
import { TarReader } from '#lib/tar/reader';
import { encodeEntry } from '#lib/tar/writer';
import { accepted, type FuzzTarget, holds, same } from '../target.ts';

interface Seen {
  readonly entries: readonly TarEntry[];
  readonly bytes: number;
  readonly refused: string | undefined;
}

/**
 * The reader of layers and archives. Reads or refuses; never gives data that is nobody's or beyond a member's size; says the same however the
 * bytes arrive; and what it read can be written and read again.
 */
export const tar: FuzzTarget = {
  name: 'tar',
  words: [
    'ustar\x0000',
    'ustar  \0',
    '././@LongLink',
    'path=',
    '12 path=a/b\n',
    'GNU.sparse.major=1\n',
    '../',
    '0'.repeat(11),
  ],
  seal: sealed,
  run(bytes) {
    const whole = read(bytes, () => bytes.length);
    const cut = read(bytes, (at) => 1 + ((bytes[at]! * 7 + at) % 1400));
    same('read in pieces', cut, whole);
    for (const entry of whole.entries) writtenAgain(entry);
  },
};

function read(bytes: Uint8Array, step: (at: number) => number): Seen {
  const entries: TarEntry[] = [];
  let open = false;
  let left = 0;
  let sum = 0;
  const reader = new TarReader({
    entry(entry) {
      holds('a member ends before the next begins', !open);
      open = true;
      left = entry.extents?.reduce((all, { length }) => all + length, 0) ?? entry.size;
      holds(`a size that can be: ${entry.size}`, Number.isSafeInteger(entry.size) && entry.size >= 0);
      holds('a name that a path can be', entry.name.length <= 4096 && !entry.name.includes('\0'));
      entries.push(entry);
    },
    data(part) {
      left -= part.length;
      holds('data belong to a member', open && left >= 0 && part.length > 0);
      for (const byte of part) sum = (Math.imul(sum, 31) + byte) >>> 0;
    },
    end() {
      holds('a member has all its data', open && left === 0);
      open = false;
    },
  });
  try {
    for (let at = 0; at < bytes.length; ) {
      const length = step(at);
      reader.push(bytes.subarray(at, at + length));
      at += length;
    }
    reader.finish();
    return { entries, bytes: sum, refused: undefined };
  } catch (thrown) {
    if (!(thrown instanceof Fault) || !['invalid_argument', 'data_loss'].includes(thrown.class)) throw thrown;
    return { entries, bytes: sum, refused: thrown.message };
  }
}

/** What was read is an entry, so that it can be written; and read again it is the same. */
function writtenAgain(entry: TarEntry): void {
  const written = accepted(() => encodeEntry(entry), 'invalid_argument');
  if (written === undefined) return;
  const again: TarEntry[] = [];
  const reader = new TarReader({ entry: (each) => again.push(each), data: () => {}, end: () => {} });
  reader.push(written);
  same(
    'written and read again',
    [again[0]?.name, again[0]?.type, again[0]?.linkName],
    [entry.name, entry.type, entry.linkName],
  );
}

/** Checksums put right, wherever a header seems to be. */
function sealed(archive: Buffer): Buffer {
  for (let at = 0; at + 512 <= archive.length; at += 512) {
    if (archive.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    archive.fill(' ', at + 148, at + 156);
    let sum = 0;
    for (let i = at; i < at + 512; i++) sum += archive[i] ?? 0;
    archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return archive;
}
