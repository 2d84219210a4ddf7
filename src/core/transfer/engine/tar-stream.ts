import { invalidArgument } from '#base/errors';
import { toDisplay } from '#lib/tar/byte-text';
import { TarReader } from '#lib/tar/reader';

/** A member of an archive with its bytes. They must be read before the next member is asked for; what is not read is skipped. */
export interface ArchiveMember {
  /** Without `./` and slashes at the beginning. */
  readonly name: string;
  readonly kind: 'file' | 'link' | 'other';
  /** Where a link leads. */
  readonly target: string;
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

type Piece =
  | { readonly kind: 'entry'; readonly member: Omit<ArchiveMember, 'bytes'> }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' };

/** The members of a tar archive, as they come. @throws invalid_argument or data_loss for a bad archive; what the stream throws */
export async function* readArchive(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveMember, void, undefined> {
  const pieces = piecesOf(chunks);
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) return;
    if (next.value.kind !== 'entry') continue;
    const rest = dataOf(pieces);
    yield { ...next.value.member, bytes: next.value.member.kind === 'file' ? rest : nothing() };
    if (next.value.member.kind === 'file') while ((await rest.next()).done !== true);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

/** The file's data up to its end. Leaving the loop early must not end the archive, so that there is no `return` to be called. */
function dataOf(pieces: AsyncGenerator<Piece, void, undefined>) {
  let ended = false;
  const data = {
    async next(): Promise<IteratorResult<Uint8Array, undefined>> {
      if (ended) return { done: true, value: undefined };
      const next = await pieces.next();
      if (next.done !== true && next.value.kind === 'data') return { done: false, value: next.value.bytes };
      ended = true;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => data,
  };
  return data;
}

async function* piecesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, void, undefined> {
  const queue: Piece[] = [];
  const reader = new TarReader({
    entry(entry) {
      const links = entry.type === 'link' || entry.type === 'symlink';
      const kind = entry.type === 'file' ? 'file' : links ? 'link' : 'other';
      const name = plainName(toDisplay(entry.name));
      if (entry.extents !== undefined) throw invalidArgument(`archive: ${JSON.stringify(name)} is a sparse file`);
      queue.push({ kind: 'entry', member: { name, kind, target: toDisplay(entry.linkName), size: entry.size } });
      files = kind === 'file';
    },
    data: (bytes) => queue.push({ kind: 'data', bytes }),
    end() {
      if (files) queue.push({ kind: 'end' });
    },
  });
  let files = false;
  for await (const chunk of chunks) {
    reader.push(chunk);
    // What was found lies in the chunk itself, which is ours until the next one is asked for.
    yield* queue.splice(0);
  }
  reader.finish();
  yield* queue.splice(0);
}

const plainName = (name: string): string => name.replace(/^(?:\.?\/)+/, '');
