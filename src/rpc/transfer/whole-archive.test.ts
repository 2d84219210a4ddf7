import { expect, test } from 'bun:test';
import { faultOf } from '#core/subject';
import { wholeArchive } from './whole-archive.ts';

async function* sending(chunks: readonly Uint8Array[], after: Promise<unknown>): AsyncGenerator<Uint8Array> {
  yield* chunks;
  await after;
}

const never = new Promise<never>(() => {});
const zeros = (size: number): Uint8Array => new Uint8Array(size);
const ones = (size: number): Uint8Array => new Uint8Array(size).fill(1);

async function sizeOf(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of chunks) size += chunk.length;
  return size;
}

test('a stream that ends is the whole archive, whatever it ends with', async () => {
  expect(await sizeOf(wholeArchive(sending([ones(10)], Promise.resolve()), Promise.resolve()))).toBe(10);
  expect(await sizeOf(wholeArchive(sending([ones(10)], Promise.resolve()), never))).toBe(10);
});

test('a stream that stays open is over when the call was answered and the archive has its end', async () => {
  const chunks = [ones(2000), zeros(512), zeros(512)];
  expect(await sizeOf(wholeArchive(sending(chunks, never), Promise.resolve()))).toBe(3024);
});

test('zeros do not end an archive while the call is under way', async () => {
  const answered = Promise.withResolvers<void>();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield zeros(2048);
    await new Promise((resolve) => setTimeout(resolve, 400));
    yield ones(7);
    answered.resolve();
    yield zeros(1024);
    await never;
  }
  expect(await sizeOf(wholeArchive(chunks(), answered.promise))).toBe(3079);
});

test('what the stream throws comes through, and a call that fails ends nothing by itself', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield ones(1);
    throw new RangeError('broken');
  }
  expect(sizeOf(wholeArchive(broken(), Promise.resolve()))).rejects.toThrow('broken');
  const failed = Promise.reject(new Error('call'));
  expect(await sizeOf(wholeArchive(sending([ones(3)], Promise.resolve()), failed))).toBe(3);
});

test('an archive that stops before its end is told of', async () => {
  const stopped = sizeOf(wholeArchive(sending([ones(600)], never), Promise.resolve(), 50));
  expect(await faultOf(stopped)).toBe('data_loss');
});
