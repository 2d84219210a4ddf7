import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { mutate, randomOf } from './mutate.ts';
import { fuzzTar } from './tar.fuzz.ts';

const fixtures = new URL('../../src/lib/tar/fixtures/', import.meta.url);
const archives = readdirSync(fixtures)
  .filter((name) => name.endsWith('.gz'))
  .map((name) => gunzipSync(readFileSync(new URL(name, fixtures))))
  .filter((archive) => archive.length < 200_000);

/** Puts the checksums right, so that what is changed reaches the code behind them. */
function resealed(archive: Uint8Array): Buffer {
  const copy = Buffer.from(archive);
  for (let at = 0; at + 512 <= copy.length; at += 512) {
    if (!copy.subarray(at + 257, at + 262).equals(Buffer.from('ustar'))) continue;
    copy.fill(' ', at + 148, at + 156);
    const sum = copy.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return copy;
}

test('the tar reader takes or refuses whatever it is given', () => {
  expect(archives.length).toBeGreaterThan(5);
  // Another seed each day, named when it fails.
  const seed = Math.floor(Date.now() / 86_400_000);
  const random = randomOf(seed);
  for (let round = 0; round < 3000; round++) {
    const archive = archives[round % archives.length]!;
    const bytes = round % 3 === 0 ? mutate(archive, random) : resealed(mutate(archive, random));
    try {
      fuzzTar(bytes);
    } catch (thrown) {
      throw new Error(`seed ${seed}, round ${round}: ${thrown}`, { cause: thrown });
    }
  }
}, 30_000);
