/** Random numbers that a seed repeats (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A copy with a few bytes changed, parts repeated, moved or cut off. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = Buffer.from(bytes);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let change = below(6) + 1; change > 0; change--) {
    const at = below(copy.length);
    const kind = random();
    if (kind < 0.5) copy[at] = below(256);
    else if (kind < 0.7) copy[at] = [0, 0xff, 0x80, 0x30, 0x37, 0x20][below(6)]!;
    else copy.copy(copy, at, below(copy.length), below(copy.length));
  }
  return random() < 0.2 ? copy.subarray(0, below(copy.length)) : copy;
}
