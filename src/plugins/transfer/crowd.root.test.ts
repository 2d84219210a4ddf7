import { expect, setDefaultTimeout, test } from 'bun:test';
import { randomBytes, randomInt } from 'node:crypto';
import { isFault } from '#base/errors';
import { scopeOf } from '#core/scope';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';
import { at, openTestEngine, pullOptions } from './engine.fixture.ts';

setDefaultTimeout(120_000);

test('many pulls of images that share layers, some cancelled, some over bad connections, never wait for each other in a circle', async () => {
  await using registry = await FakeRegistry.start();
  await using test = await openTestEngine({ downloads: 2, unpacks: 2, retryAttempts: 6 });
  const layers = Array.from({ length: 6 }, (_, i) => sampleLayer({ [`f${i}`]: randomBytes(200_000) }));
  const tags = ['a', 'b', 'c', 'd'];
  for (const [i, tag] of tags.entries()) {
    // Each image has its layers in another order: other chains of the same blobs.
    const own = layers.map((_, n) => layers[(n * (i + 1) + i) % layers.length]!);
    publish(registry, 'x/y', tag, sampleImage(own));
  }
  registry.intercept = (request, response) => {
    const body = registry.blobs.get(request.url?.split('/').at(-1) ?? '');
    if (body === undefined || request.headers.range !== undefined || randomInt(3) > 0) return false;
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, body.length >> 1), () => request.socket.resetAndDestroy());
    return true;
  };
  const reference = (tag: string) => `${registry.host}/x/y:${tag}`;
  const pulls = Array.from({ length: 24 }, async (_, i) => {
    const tag = tags[i % tags.length] as string;
    const cancel = new AbortController();
    const timer = i % 3 === 0 ? setTimeout(() => cancel.abort(), randomInt(400)) : undefined;
    const scope = scopeOf(i % 2 === 0 ? 'one' : 'two', { signal: cancel.signal });
    try {
      await test.engine.pull(scope, at(reference(tag)), pullOptions(reference(tag)));
      return 'pulled';
    } catch (error) {
      if (isFault(error, 'canceled')) return 'canceled';
      return String(error);
    } finally {
      clearTimeout(timer);
    }
  });
  const ends = await Promise.all(pulls);
  for (const end of ends) expect(end).toMatch(/^(pulled|canceled)$/);
  registry.intercept = undefined;
  for (const tag of tags) {
    const scope = scopeOf('one');
    await test.engine.pull(scope, at(reference(tag)), pullOptions(reference(tag)));
    await test.metadata.images.delete(scope, reference(tag));
  }
  for (const namespace of ['one', 'two']) {
    const scope = scopeOf(namespace);
    for (const { id } of await test.metadata.leases.list(scope)) await test.metadata.leases.delete(scope, id);
    for (const { name } of await test.metadata.images.list(scope)) await test.metadata.images.delete(scope, name);
    for (const { ref } of await test.metadata.content.statuses(scope)) await test.metadata.content.abort(scope, ref);
    await test.metadata.collect(scope.signal);
    const left: string[] = [];
    for await (const { name } of test.metadata.snapshotters.get('overlayfs')!.walk(scope)) left.push(name);
    for await (const { digest } of test.metadata.content.walk(scope)) left.push(digest);
    expect(left).toEqual([]);
  }
});
