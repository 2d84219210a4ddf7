import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { scopeOf } from '#core/scope';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';
import { at, openTestEngine, pullOptions } from './engine.fixture.ts';

const scope = scopeOf('test');

async function pulled(rangeBytes: number, prepare: (registry: FakeRegistry) => void = () => {}) {
  await using registry = await FakeRegistry.start();
  await using engine = await openTestEngine({ rangeBytes });
  const image = sampleImage([sampleLayer({ big: randomBytes(3_000_000) }), sampleLayer({ small: 'x' })]);
  publish(registry, 'a/b', 'v1', image);
  prepare(registry);
  const reference = `${registry.host}/a/b:v1`;
  const done = await engine.engine.pull(scope, at(reference), pullOptions(reference)).then(({ name }) => name, String);
  const layer = image.layers[0]?.descriptor.digest as string;
  const ranges = registry.seen.filter(({ url }) => url.includes(layer)).map(({ headers }) => headers.range ?? 'all');
  return { ok: done === reference, done, ranges, size: image.layers[0]?.descriptor.size ?? 0 };
}

test('a long layer is fetched in ranges, a short one at once; the digest is checked as ever', async () => {
  const { ok, ranges, size } = await pulled(1_000_000);
  expect(ok).toBe(true);
  expect([...ranges].sort()).toEqual(
    ['bytes=0-999999', 'bytes=1000000-1999999', 'bytes=2000000-2999999', `bytes=3000000-`].slice(
      0,
      Math.ceil(size / 1e6),
    ),
  );
  expect((await pulled(0)).ranges).toEqual(['all']);
});

test('a registry that sends whole blobs only is asked for the whole', async () => {
  const { ok, ranges } = await pulled(1_000_000, (registry) => {
    registry.intercept = (request) => {
      if (request.url?.includes('/blobs/') === true) delete request.headers.range;
      return false;
    };
  });
  expect(ok).toBe(true);
  expect(ranges).toContain('all');
});

test('bytes that are not those of the digest fail the pull', async () => {
  const { done } = await pulled(1_000_000, (registry) => {
    registry.intercept = (request, response) => {
      if (!/bytes=1000000-/.test(request.headers.range ?? '')) return false;
      const body = randomBytes(1_000_000);
      const size = [...registry.blobs.values()].map((blob) => blob.length).sort((a, b) => b - a)[0];
      response
        .writeHead(206, { 'content-range': `bytes 1000000-1999999/${size}`, 'content-length': body.length })
        .end(body);
      return true;
    };
  });
  expect(done).toMatch(/failed precondition|data loss/);
});
