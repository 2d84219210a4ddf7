import { invalidArgument } from '#base/errors';
import type { Extent } from './entry.ts';
import { blockSize, number } from './header.ts';
import { type PaxRecords, paxInteger } from './pax.ts';

/** Bound of a sparse map: a file with more extents than this is refused rather than kept in memory. */
const maxExtents = 1 << 18;

/** What PAX records say about a sparse file, in any of GNU tar's three forms. `extents` is absent for 1.0: they begin the data. */
export interface PaxSparse {
  readonly realSize: number;
  readonly name?: string;
  readonly extents?: readonly Extent[];
}

/** `undefined` when the records describe no sparse file. @throws invalid_argument */
export function paxSparse(records: PaxRecords): PaxSparse | undefined {
  const last = new Map(records);
  const major = last.get('GNU.sparse.major');
  const minor = last.get('GNU.sparse.minor');
  const name = last.get('GNU.sparse.name');
  const named = name === undefined ? {} : { name };
  const sizeOf = (key: string): number => paxInteger(key, last.get(key) ?? '');
  if (major !== undefined || minor !== undefined) {
    if (major === '1' && minor === '0') return { realSize: sizeOf('GNU.sparse.realsize'), ...named };
    if (major !== '0' || (minor !== '0' && minor !== '1'))
      throw invalidArgument('tar: unknown version of a sparse file');
  }
  const map = last.get('GNU.sparse.map');
  if (map !== undefined) {
    const numbers = map === '' ? [] : map.split(',').map((text) => paxInteger('GNU.sparse.map', text));
    return { realSize: sizeOf('GNU.sparse.size'), extents: pairs(numbers), ...named };
  }
  if (last.has('GNU.sparse.numblocks')) {
    return { realSize: sizeOf('GNU.sparse.size'), extents: pairs(repeatedPairs(records)), ...named };
  }
  return undefined;
}

function repeatedPairs(records: PaxRecords): readonly number[] {
  const numbers: number[] = [];
  for (const [key, value] of records) {
    const isLength = key === 'GNU.sparse.numbytes';
    if (!isLength && key !== 'GNU.sparse.offset') continue;
    if ((numbers.length % 2 === 1) !== isLength) throw invalidArgument('tar: sparse map out of order');
    numbers.push(paxInteger(key, value));
  }
  return numbers;
}

/** The four pairs in an old GNU header block, or the twenty-one in an extension block, appended to `into`. Whether more follow. */
export function readOldSparse(block: Uint8Array, start: number, kind: 'header' | 'more', into: Extent[]): boolean {
  const [first, count, flag] = kind === 'header' ? [386, 4, 482] : [0, 21, 504];
  for (let i = 0; i < count; i++) {
    const at = start + first + i * 24;
    if (block[at] === 0) break;
    into.push({ offset: number(block, at, 12, 'sparse map'), length: number(block, at + 12, 12, 'sparse map') });
    if (into.length > maxExtents) throw tooMany();
  }
  return block[start + flag] !== 0;
}

/** The size that an old GNU sparse file has when it is unpacked. */
export const oldSparseSize = (block: Uint8Array, start: number): number =>
  number(block, start + 483, 12, 'sparse size');

/** Collects the decimal lines with which the data of a GNU 1.0 sparse file begins, a block at a time. */
export class SparseMapText {
  readonly #numbers: number[] = [];
  #wanted = 1;
  #digits = '';

  /** Takes a block; the map once it is complete (the rest of that block is padding). @throws invalid_argument */
  push(block: Uint8Array, start: number): readonly Extent[] | undefined {
    for (let i = start; i < start + blockSize; i++) {
      const byte = block[i]!;
      if (byte !== 0x0a) {
        this.#digits += String.fromCharCode(byte);
        if (this.#digits.length > 16) throw invalidArgument('tar: bad sparse map');
        continue;
      }
      const value = paxInteger('sparse map', this.#digits);
      this.#digits = '';
      if (this.#wanted === 1) {
        if (value < 0 || value > maxExtents) throw tooMany();
        this.#wanted += value * 2;
      }
      this.#numbers.push(value);
      if (this.#numbers.length === this.#wanted) return pairs(this.#numbers.slice(1));
    }
    return undefined;
  }
}

/** Drops empty extents and makes sure that the rest is in order, inside the file, and as long as the stored bytes. */
export function checkedExtents(extents: readonly Extent[], realSize: number, storedSize: number): readonly Extent[] {
  let end = 0;
  let stored = 0;
  for (const { offset, length } of extents) {
    if (offset < end || length < 0 || offset + length > realSize) throw invalidArgument('tar: sparse map out of order');
    end = offset + length;
    stored += length;
  }
  if (stored !== storedSize || realSize < 0) throw invalidArgument('tar: sparse map does not fit the data');
  return extents.filter((extent) => extent.length > 0);
}

function pairs(numbers: readonly number[]): readonly Extent[] {
  if (numbers.length % 2 !== 0) throw invalidArgument('tar: bad sparse map');
  if (numbers.length / 2 > maxExtents) throw tooMany();
  const extents: Extent[] = [];
  for (let i = 0; i < numbers.length; i += 2) extents.push({ offset: numbers[i]!, length: numbers[i + 1]! });
  return extents;
}

const tooMany = (): Error => invalidArgument(`tar: sparse file of more than ${maxExtents} pieces`);
