import { expect, test } from 'bun:test';
import { inRanges, type RangeSource } from './blob-ranges.ts';

const whole = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

/** So many places. */
class Places {
  free: number;
  constructor(free: number) {
    this.free = free;
  }
  tryEnter(): Disposable | undefined {
    if (this.free === 0) return undefined;
    this.free--;
    return { [Symbol.dispose]: () => void this.free++ };
  }
}

/** Sends its range in pieces of 30 bytes; notes what is under way. */
function server(fail?: (from: number) => void) {
  const seen = { ranges: [] as string[], open: 0, most: 0, cut: 0 };
  const source: RangeSource = async function* (from, until, signal) {
    seen.ranges.push(`${from}-${until}`);
    seen.most = Math.max(seen.most, ++seen.open);
    try {
      for (let at = from; at < until; at += 30) {
        await turn();
        if (signal.aborted) {
          seen.cut++;
          throw signal.reason;
        }
        fail?.(at);
        yield whole.subarray(at, Math.min(at + 30, until));
      }
    } finally {
      seen.open--;
    }
  };
  return { seen, source };
}

async function collect(source: RangeSource, places: Places, offset = 0, chunkBytes = 150): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const signal = new AbortController().signal;
  const options = { offset, size: whole.length, chunkBytes, enter: () => places.tryEnter(), signal };
  for await (const bytes of inRanges(source, options)) parts.push(bytes);
  return new Uint8Array(Buffer.concat(parts));
}

test('a blob comes in order, by as many requests at once as there are places and one', async () => {
  const places = new Places(3);
  const { seen, source } = server();
  expect(await collect(source, places)).toEqual(whole);
  expect(seen.ranges).toEqual(['0-150', '150-300', '300-450', '450-600', '600-750', '750-900', '900-1000']);
  expect([seen.most, seen.open]).toEqual([4, 0]);
  const rest = server();
  expect(await collect(rest.source, places, 940)).toEqual(whole.subarray(940));
  expect(rest.seen.ranges).toEqual(['940-1000']);
});

test('without a place there is one request at a time, and places come back', async () => {
  const places = new Places(1);
  const held = places.tryEnter();
  const { seen, source } = server();
  expect(await collect(source, places)).toEqual(whole);
  expect(seen.most).toBe(1);
  held?.[Symbol.dispose]();
  expect(places.tryEnter()).toBeDefined();
});

test('one that fails ends the others, once what comes before it was passed on', async () => {
  const places = new Places(3);
  const { seen, source } = server((at) => {
    if (at === 330) throw new Error('broken');
  });
  let got = 0;
  const signal = new AbortController().signal;
  const options = { offset: 0, size: 1000, chunkBytes: 150, enter: () => places.tryEnter(), signal };
  const work = (async () => {
    for await (const bytes of inRanges(source, options)) got += bytes.length;
  })();
  expect(await work.then(String, String)).toBe('Error: broken');
  expect([got, seen.open]).toEqual([330, 0]);
  expect([places.tryEnter(), places.tryEnter(), places.tryEnter()].every((place) => place !== undefined)).toBe(true);
});

test('a reader that stops ends all requests', async () => {
  const places = new Places(3);
  const { seen, source } = server();
  const options = {
    offset: 0,
    size: 1000,
    chunkBytes: 300,
    enter: () => places.tryEnter(),
    signal: new AbortController().signal,
  };
  for await (const _ of inRanges(source, options)) if (seen.open > 1) break;
  expect([seen.open, seen.cut > 0]).toEqual([0, true]);
});
