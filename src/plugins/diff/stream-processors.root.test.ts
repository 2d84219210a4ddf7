import { expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { classOf, messageOf } from '#base/errors';
import type { StreamProcessor } from '#core/plugin/daemon-info';
import { digestOf } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { tarOf } from '#lib/tar/small-archive';
import { ApplyBench, bind, scope } from './layer.fixture.ts';
import { processorChain } from './stream-processors.ts';

const layer = tarOf([
  { name: 'a', data: 'x' },
  { name: 'b', data: Buffer.alloc(2_000_000, 'y') },
]);
const shell = (script: string, accepts: string, returns: string, env: readonly string[] = []): StreamProcessor => ({
  accepts: [accepts],
  returns,
  path: '/bin/sh',
  args: ['-c', script],
  env,
});

async function outcomeOf(
  processors: Record<string, StreamProcessor>,
  bytes: Uint8Array,
  mediaType: string,
  payload?: string,
) {
  await using bench = new ApplyBench({ processors: new Map(Object.entries(processors)) });
  mkdirSync(bench.path('root'));
  const blob = await bench.add(bytes, mediaType);
  const payloads = payload === undefined ? {} : { payloads: { one: { typeUrl: 'a.B', value: Buffer.from(payload) } } };
  try {
    const { digest } = await bench.applier.apply(scope, blob, bind(bench.path('root')), payloads);
    return { digest, names: readdirSync(bench.path('root')).sort() };
  } catch (thrown) {
    return { class: classOf(thrown), message: messageOf(thrown) };
  } finally {
    // Whatever was written on the way is gone.
    expect(readdirSync(bench.dir)).toEqual(['root']);
  }
}

const fine = { digest: digestOf(layer), names: ['a', 'b'] };

test('a program turns an unknown type into a layer', async () => {
  expect(
    await outcomeOf(
      { one: shell('base64 -d', 'x/base64', mediaTypes.ociLayer) },
      Buffer.from(layer.toString('base64')),
      'x/base64',
    ),
  ).toEqual(fine);
});

test('programs in a chain, ending at what we inflate ourselves', async () => {
  const twice = Buffer.from(Buffer.from(gzipSync(layer).toString('base64')).toString('base64'));
  const processors = {
    one: shell('base64 -d', 'x/twice', 'x/once'),
    two: shell('base64 -d', 'x/once', mediaTypes.ociLayerGzip),
  };
  expect(await outcomeOf(processors, twice, 'x/twice')).toEqual(fine);
});

test('payload on descriptor 3, media type and own variables in the environment', async () => {
  // An Any: field 1 the type, field 2 the value.
  const script = `payload=$(cat <&3 | od -An -tx1 | tr -d ' \\n'); [ "$payload" = 0a03612e421206736563726574 ] && [ "$STREAM_PROCESSOR_MEDIATYPE" = x/t ] && [ "$MINE" = 'a=b' ] && exec cat`;
  expect(
    await outcomeOf({ one: shell(script, 'x/t', mediaTypes.ociLayer, ['MINE=a=b']) }, layer, 'x/t', 'secret'),
  ).toEqual(fine);
});

test('a configured program comes before our own reading of a type', async () => {
  const processors = {
    one: shell('cat >/dev/null; exec base64 -d "$0"', mediaTypes.ociLayerGzip, mediaTypes.ociLayer),
  };
  const outcome = await outcomeOf(processors, gzipSync(layer), mediaTypes.ociLayerGzip);
  // base64 is asked to read a file named "sh", which there is not: the program ran, not our inflater.
  expect(outcome.message).toContain('stream processor one: ');
});

test('a program that fails is reported with what it said', async () => {
  const failing = { one: shell('head -c 1000; echo no key for this >&2; exit 3', 'x/t', mediaTypes.ociLayer) };
  const { class: cls, message } = await outcomeOf(failing, layer, 'x/t');
  expect([cls, message]).toEqual(['internal', 'apply layer: stream processor one: no key for this: internal']);
  expect((await outcomeOf({ one: { ...failing.one, path: '/does/not/exist' } }, layer, 'x/t')).message).toContain(
    'ENOENT',
  );
  expect((await outcomeOf({ one: shell('kill -9 $$', 'x/t', mediaTypes.ociLayer) }, layer, 'x/t')).message).toContain(
    'SIGKILL',
  );
});

test('a bad layer ends the program', async () => {
  const endless = { one: shell('while :; do echo not a tar at all; done', 'x/t', mediaTypes.ociLayer) };
  expect((await outcomeOf(endless, layer, 'x/t')).class).toBe('invalid_argument');
});

test('a cancelled call ends the program', async () => {
  await using bench = new ApplyBench({ processors: new Map([['one', shell('sleep 60', 'x/t', mediaTypes.ociLayer)]]) });
  const abort = new AbortController();
  const blob = await bench.add(layer, 'x/t');
  mkdirSync(bench.path('root'));
  const applying = bench.applier.apply({ ...scope, signal: abort.signal }, blob, bind(bench.path('root')));
  setTimeout(() => abort.abort(), 50);
  expect(await applying.then(() => '', classOf)).toBe('canceled');
});

test('encrypted layers, unknown types and circles are refused', () => {
  const chain = (type: string, processors: Record<string, StreamProcessor> = {}) => {
    try {
      return processorChain(type, new Map(Object.entries(processors))).map(({ id }) => id);
    } catch (thrown) {
      return classOf(thrown);
    }
  };
  expect(chain(mediaTypes.dockerLayerGzip)).toEqual([]);
  expect(chain(`${mediaTypes.ociLayerGzip}+encrypted`)).toBe('not_implemented');
  expect(chain('text/plain')).toBe('not_implemented');
  const decrypt = shell('', `${mediaTypes.ociLayerGzip}+encrypted`, mediaTypes.ociLayerGzip);
  expect(chain(`${mediaTypes.ociLayerGzip}+encrypted`, { decrypt })).toEqual(['decrypt']);
  expect(chain('x/a', { a: shell('', 'x/a', 'x/b'), b: shell('', 'x/b', 'x/a') })).toBe('invalid_argument');
});

test('no program is left', () => {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  const names = children.map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  expect(names).not.toContain('sh');
  expect(names).not.toContain('sleep');
});
