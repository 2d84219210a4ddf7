import { dataLoss, invalidArgument } from '#base/errors';
import { byteText } from './byte-text.ts';
import type { Extent, TarEntry } from './entry.ts';
import { blockSize, isZeroBlock, parseHeader, type RawHeader } from './header.ts';
import { assembleMember, type Member, maxNameBytes } from './members.ts';
import { type PaxRecords, parsePax } from './pax.ts';
import { checkedExtents, oldSparseSize, type PaxSparse, paxSparse, readOldSparse, SparseMapText } from './sparse.ts';

/** Receives what a `TarReader` finds. What it throws comes out of `push`, and the reader is of no use afterwards. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /** The next stored bytes of the last entry: part of the pushed chunk itself, so valid until `data` returns. Never empty. */
  data(bytes: Uint8Array): void;
  /** All bytes of the last entry were given. */
  end(): void;
}

/** Bound of one extended header: real ones have some kilobytes, with many xattrs perhaps a hundred. */
export const maxMetaBytes = 1 << 20;

type State = 'header' | 'meta' | 'old-sparse' | 'sparse-map' | 'data' | 'ended';

/**
 * Reads a tar archive from chunks of any size, without waiting and without copying file data. Understands v7, ustar, PAX and GNU with
 * their forms of sparse files. Memory is bounded whatever the archive says: one extended header (1 MiB) and one sparse map at a time.
 *
 * Global extended headers are checked and otherwise ignored, as container engines do: nothing a layer says holds for other members.
 */
export class TarReader {
  readonly #sink: TarSink;
  #state: State = 'header';
  /** A header block that began in an earlier chunk. */
  readonly #partial = new Uint8Array(blockSize);
  #partialLength = 0;
  /** Data or meta bytes to come, then the zeros that fill their last block. */
  #remaining = 0;
  #padding = 0;
  #zeroBlocks = 0;
  #meta = new Uint8Array(0);
  #metaLength = 0;
  #metaFlag = '';
  #pax: PaxRecords = [];
  #longName: string | undefined;
  #longLink: string | undefined;
  #member: Member | undefined;
  #extents: Extent[] = [];
  #mapText: SparseMapText | undefined;
  #mapBlocks = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** True once the two blocks of zeros were seen: what follows is ignored. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Reads the next bytes. @throws invalid_argument for a malformed archive; whatever the sink throws */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#state !== 'ended') {
      if (this.#remaining > 0) at = this.#takeBytes(chunk, at);
      else if (this.#padding > 0) at = this.#skipPadding(chunk, at);
      else at = this.#takeBlock(chunk, at);
    }
  }

  /** Says that there are no more bytes. @throws data_loss when the archive breaks off inside a member */
  finish(): void {
    const between = this.#state === 'header' && this.#partialLength === 0 && this.#remaining + this.#padding === 0;
    const pending = this.#pax.length > 0 || this.#longName !== undefined || this.#longLink !== undefined;
    if (this.#state !== 'ended' && (!between || pending)) throw dataLoss('tar: the archive breaks off: unexpected EOF');
  }

  #takeBytes(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining);
    const bytes = at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end);
    this.#remaining -= end - at;
    if (this.#state === 'meta') this.#appendMeta(bytes);
    else this.#sink.data(bytes);
    if (this.#remaining === 0) this.#endOfBytes();
    return end;
  }

  #endOfBytes(): void {
    if (this.#state === 'meta') this.#readMeta();
    else this.#sink.end();
    this.#state = 'header';
  }

  #skipPadding(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#padding);
    this.#padding -= end - at;
    return end;
  }

  /** One whole block, from this chunk or put together from several. */
  #takeBlock(chunk: Uint8Array, at: number): number {
    if (this.#partialLength === 0 && at + blockSize <= chunk.length) {
      this.#block(chunk, at);
      return at + blockSize;
    }
    const end = Math.min(chunk.length, at + blockSize - this.#partialLength);
    this.#partial.set(chunk.subarray(at, end), this.#partialLength);
    this.#partialLength += end - at;
    if (this.#partialLength === blockSize) {
      this.#partialLength = 0;
      this.#block(this.#partial, 0);
    }
    return end;
  }

  #block(block: Uint8Array, start: number): void {
    if (this.#state === 'old-sparse') {
      if (!readOldSparse(block, start, 'more', this.#extents)) this.#beginSparse(this.#extents, 0);
      return;
    }
    if (this.#state === 'sparse-map') {
      this.#mapBlocks += 1;
      const extents = this.#mapText!.push(block, start);
      if (extents !== undefined) this.#beginSparse(extents, this.#mapBlocks * blockSize);
      return;
    }
    if (isZeroBlock(block, start)) {
      this.#zeroBlocks += 1;
      if (this.#zeroBlocks === 2) this.#state = 'ended';
      return;
    }
    if (this.#zeroBlocks === 1) throw invalidArgument('tar: a lone block of zeros inside the archive');
    this.#header(parseHeader(block, start), block, start);
  }

  #header(header: RawHeader, block: Uint8Array, start: number): void {
    if ('xgXLK'.includes(header.flag)) {
      this.#beginMeta(header);
      return;
    }
    const sparse = this.#pax.length === 0 ? undefined : paxSparse(this.#pax);
    const old = header.flag === 'S' ? { realSize: oldSparseSize(block, start) } : undefined;
    this.#member = assembleMember(header, this.#takeExtensions(), old ?? sparse);
    if (this.#member.entry.type !== 'file' || (old === undefined && sparse === undefined)) {
      this.#begin(this.#member.entry, this.#member.storedSize);
    } else if (old !== undefined) {
      this.#extents = [];
      this.#state = 'old-sparse';
      if (!readOldSparse(block, start, 'header', this.#extents)) this.#beginSparse(this.#extents, 0);
    } else this.#beginPaxSparse(sparse!);
  }

  #beginPaxSparse(sparse: PaxSparse): void {
    if (sparse.extents !== undefined) {
      this.#beginSparse(sparse.extents, 0);
      return;
    }
    this.#mapText = new SparseMapText();
    this.#mapBlocks = 0;
    this.#state = 'sparse-map';
  }

  /** `mapBytes`: how much of the stored data was the map. */
  #beginSparse(extents: readonly Extent[], mapBytes: number): void {
    const { entry, storedSize } = this.#member!;
    const size = storedSize - mapBytes;
    if (size < 0) throw invalidArgument('tar: sparse map does not fit the data');
    this.#begin({ ...entry, extents: checkedExtents(extents, entry.size, size) }, size);
  }

  #begin(entry: TarEntry, storedSize: number): void {
    this.#state = 'data';
    this.#remaining = storedSize;
    this.#padding = paddingOf(storedSize);
    this.#sink.entry(entry);
    if (storedSize === 0) this.#endOfBytes();
  }

  #beginMeta(header: RawHeader): void {
    const bound = 'LK'.includes(header.flag) ? maxNameBytes + 1 : maxMetaBytes;
    if (header.size < 0 || header.size > bound) {
      throw invalidArgument(`tar: extended header or name of ${header.size} bytes, at most ${bound} are taken`);
    }
    this.#state = 'meta';
    this.#metaFlag = header.flag;
    this.#metaLength = 0;
    if (this.#meta.length < header.size) this.#meta = new Uint8Array(header.size);
    this.#remaining = header.size;
    this.#padding = paddingOf(header.size);
    if (header.size === 0) this.#endOfBytes();
  }

  #appendMeta(bytes: Uint8Array): void {
    this.#meta.set(bytes, this.#metaLength);
    this.#metaLength += bytes.length;
  }

  #readMeta(): void {
    const bytes = this.#meta.subarray(0, this.#metaLength);
    if (this.#metaFlag === 'x' || this.#metaFlag === 'X') this.#pax = parsePax(bytes);
    else if (this.#metaFlag === 'g') parsePax(bytes);
    else if (this.#metaFlag === 'L') this.#longName = untilNul(bytes);
    else this.#longLink = untilNul(bytes);
  }

  #takeExtensions() {
    const extensions = {
      pax: this.#pax,
      ...(this.#longName !== undefined && { longName: this.#longName }),
      ...(this.#longLink !== undefined && { longLink: this.#longLink }),
    };
    this.#pax = [];
    this.#longName = undefined;
    this.#longLink = undefined;
    return extensions;
  }
}

/** Bytes from the end of data to the next block. */
export const paddingOf = (size: number): number => (blockSize - (size % blockSize)) % blockSize;

function untilNul(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0);
  return byteText(bytes, 0, nul < 0 ? bytes.length : nul);
}
