/** What inputs are made from. */
export interface Material {
  readonly corpus: readonly Uint8Array[];
  /** Pieces of the format: keywords, delimiters, numbers at its limits. */
  readonly words: readonly Uint8Array[];
}

export type Random = () => number;
type Change = (bytes: Buffer<ArrayBuffer>, material: Material, random: Random) => Buffer<ArrayBuffer>;

/** No input grows beyond it: what takes long on more is found on this, too, and more inputs can be tried. */
export const maxInput = 1 << 16;

/** An input made of one of the corpus by a few changes that know of words, numbers, lengths and repetition. */
export function mutate(material: Material, random: Random): Buffer<ArrayBuffer> {
  let bytes = Buffer.from(pick(material.corpus, random));
  // Mostly one or two, so that most of what made the input meaningful is still there.
  for (let left = 1 + Math.floor(random() ** 3 * 12); left > 0; left--)
    bytes = pick(changes, random)(bytes, material, random).subarray(0, maxInput);
  return bytes;
}

const below = (limit: number, random: Random) => Math.floor(random() * limit);
const pick = <T>(list: readonly T[], random: Random): T => list[below(list.length, random)] as T;

const put = (bytes: Buffer, from: number, to: number, piece: Uint8Array): Buffer<ArrayBuffer> =>
  Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(to)]);

function slice(bytes: Buffer, random: Random, longest = bytes.length): readonly [from: number, to: number] {
  const from = below(bytes.length + 1, random);
  return [from, from + below(Math.min(longest, bytes.length - from) + 1, random)];
}

const oddBytes = [0, 0xff, 0x80, 0x7f, 0x20, 0x0a, 0x2f, 0x2e, 0x30, 0x39, 0xc3, 0xed, 0xf4];
const oddNumbers = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x400000, 0x400001, 0x7fffffff];
const unsigned = [0x80000000, 0xfffffffe, 0xffffffff];
const digits = ['0', '-1', '00', '1e9', '2147483647', '2147483648', '4294967295', '4294967296', '9007199254740993'];
const longDigits = ['18446744073709551615', '18446744073709551616', '0x10', '1.5', '9'.repeat(40)];

const changes: readonly Change[] = [
  (bytes, _, random) => {
    if (bytes.length > 0) bytes[below(bytes.length, random)]! ^= 1 << below(8, random);
    return bytes;
  },
  (bytes, _, random) => {
    if (bytes.length > 0)
      bytes[below(bytes.length, random)] = random() < 0.5 ? below(256, random) : pick(oddBytes, random);
    return bytes;
  },
  // A word put in, or in the place of as many bytes.
  (bytes, { words }, random) => {
    if (words.length === 0) return bytes;
    const word = pick(words, random);
    const at = below(bytes.length + 1, random);
    return put(bytes, at, random() < 0.6 ? at : Math.min(bytes.length, at + word.length), word);
  },
  // A piece taken out.
  (bytes, _, random) => put(bytes, ...slice(bytes, random, 64), Buffer.alloc(0)),
  // A piece moved or copied elsewhere.
  (bytes, _, random) => {
    const piece = Buffer.from(bytes.subarray(...slice(bytes, random, 128)));
    const at = below(bytes.length + 1, random);
    return put(bytes, at, at, piece);
  },
  // A short piece many times: depth, and what costs more than it should.
  (bytes, _, random) => {
    const [from, to] = slice(bytes, random, 24);
    const times = 2 ** below(12, random);
    return put(
      bytes,
      to,
      to,
      Buffer.concat(Array.from({ length: times }, () => Buffer.from(bytes.subarray(from, to)))),
    );
  },
  // The beginning of this and the end of another.
  (bytes, { corpus }, random) => {
    const other = pick(corpus, random);
    return put(bytes, below(bytes.length + 1, random), bytes.length, other.subarray(below(other.length + 1, random)));
  },
  // A binary number, in either order.
  (bytes, _, random) => {
    const width = pick([1, 2, 4], random);
    if (bytes.length < width) return bytes;
    const at = below(bytes.length - width + 1, random);
    const value = pick([...oddNumbers, ...unsigned, bytes.length], random) % 256 ** width;
    if (random() < 0.5) bytes.writeUIntBE(value, at, width);
    else bytes.writeUIntLE(value, at, width);
    return bytes;
  },
  // A length that is a varint, a little wrong.
  (bytes, _, random) => {
    if (bytes.length === 0) return bytes;
    const at = below(bytes.length, random);
    const long = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    if (random() < 0.2) return put(bytes, at, at + 1, long.subarray(below(long.length, random)));
    bytes[at] = (bytes[at]! + pick([-2, -1, 1, 2], random)) & 0xff;
    return bytes;
  },
  // A number in figures.
  (bytes, _, random) => {
    const runs = [...bytes.toString('latin1').matchAll(/\d+/g)];
    if (runs.length === 0) return bytes;
    const run = pick(runs, random);
    return put(bytes, run.index, run.index + run[0].length, Buffer.from(pick([...digits, ...longDigits], random)));
  },
  (bytes, _, random) => bytes.subarray(0, below(bytes.length + 1, random)),
  // Another case.
  (bytes, _, random) => {
    const at = below(bytes.length + 1, random);
    const letter = bytes[at] ?? 0;
    if ((letter | 0x20) >= 0x61 && (letter | 0x20) <= 0x7a) bytes[at] = letter ^ 0x20;
    return bytes;
  },
];
