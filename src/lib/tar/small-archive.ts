import { Buffer } from 'node:buffer';
import { type ByteText, toDisplay } from './byte-text.ts';
import type { TarEntry } from './entry.ts';
import { paddingOf, TarReader } from './reader.ts';
import { encodeEntry, endOfArchive, storedSize } from './writer.ts';

/** A member to write: what is not given is ordinary. */
export type Member = Partial<TarEntry> & Pick<TarEntry, 'name'> & { readonly data?: string | Uint8Array };

/** An archive of these members, in memory. */
export function tarOf(members: readonly Member[], end: Uint8Array = endOfArchive): Buffer {
  const parts = members.flatMap(({ data, ...member }) => {
    const bytes = Buffer.from(data ?? '');
    const type = member.type ?? (member.name.endsWith('/') ? 'dir' : 'file');
    const size = type === 'file' ? bytes.length : 0;
    const entry: TarEntry = { ...ordinary, mode: type === 'dir' ? 0o755 : 0o644, size, ...member, type };
    return [encodeEntry(entry), bytes, Buffer.alloc(paddingOf(storedSize(entry)))];
  });
  return Buffer.concat([...parts, end]);
}

const ordinary = {
  linkName: '',
  uid: 0,
  gid: 0,
  mtime: { seconds: 1_000_000_000, nanos: 0 },
  major: 0,
  minor: 0,
} as const;

/** A member with its bytes, holes filled with zeros. */
export interface ListedMember {
  readonly entry: TarEntry;
  readonly data: Uint8Array;
}

/** Reads a whole archive that is in memory, in chunks of `chunkSize`: for tests and small archives. @throws as `TarReader` does */
export function listTar(archive: Uint8Array, chunkSize: number = archive.length): readonly ListedMember[] {
  const members: ListedMember[] = [];
  let stored: Uint8Array[] = [];
  let current: TarEntry | undefined;
  const reader = new TarReader({
    entry(entry) {
      current = entry;
      stored = [];
    },
    // A copy, because the chunk is the caller's.
    data: (bytes) => stored.push(Buffer.from(bytes)),
    end: () => members.push({ entry: current!, data: spread(current!, Buffer.concat(stored)) }),
  });
  for (let at = 0; at < archive.length; at += chunkSize) reader.push(archive.subarray(at, at + chunkSize));
  reader.finish();
  return members;
}

/** The member of that name. */
export const memberNamed = (members: readonly ListedMember[], name: ByteText): ListedMember => {
  const found = members.find(({ entry }) => entry.name === name);
  if (found === undefined) throw new Error(`no member ${toDisplay(name)}`);
  return found;
};

function spread(entry: TarEntry, stored: Uint8Array): Uint8Array {
  if (entry.extents === undefined) return stored;
  const data = new Uint8Array(entry.size);
  let at = 0;
  for (const { offset, length } of entry.extents) {
    data.set(stored.subarray(at, at + length), offset);
    at += length;
  }
  return data;
}
