import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { silent } from '#base/log';
import { DockerRegistry } from '#test/support/docker-registry';
import { digestOf } from '../digest.ts';
import { defaultHost } from './host.ts';
import { HttpClient } from './http.ts';
import { Repository } from './repository.ts';

const signal = new AbortController().signal;

test("Debian's docker-registry: push small and large, push again, mount, resolve, read, resume", async () => {
  await using registry = await DockerRegistry.start('/dev/shm');
  using http = new HttpClient();
  const at = (path: string) =>
    new Repository({ registry: registry.host, path }, [defaultHost(registry.host)], {
      http,
      userAgent: 'test',
      retry: { attempts: 2, baseDelayMs: 1, maxDelayMs: 1 },
      log: silent,
    });
  const [one, two] = [at('a/b'), at('c/d')];
  const small = randomBytes(1000);
  const large = randomBytes(20_000_000);
  const blobOf = (body: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(body), size: body.length });
  const config = blobOf(small, 'application/vnd.oci.image.config.v1+json');
  const layer = blobOf(large, 'application/vnd.oci.image.layer.v1.tar');
  const source = (body: Buffer) =>
    async function* (offset: number) {
      for (let from = offset; from < body.length; from += 1 << 20) yield body.subarray(from, from + (1 << 20));
    };
  expect(await one.pushBlob(config, source(small), { signal })).toBe('uploaded');
  expect(await one.pushBlob(layer, source(large), { signal })).toBe('uploaded');
  expect(await one.pushBlob(layer, source(large), { signal })).toBe('exists');
  expect(await two.pushBlob(layer, source(large), { mountFrom: 'a/b', signal })).toBe('mounted');
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers: [layer],
    }),
  );
  const descriptor = blobOf(manifest, 'application/vnd.oci.image.manifest.v1+json');
  await one.pushManifest('v1', descriptor, manifest, signal);
  expect(await one.hasManifest('v1', descriptor.digest, signal)).toBe(true);
  const resolved = await one.resolve('v1', signal);
  expect(resolved).toEqual(descriptor);
  expect((await one.manifest(resolved, signal)).equals(manifest)).toBe(true);
  for (const offset of [0, 19_999_999]) {
    const parts: Uint8Array[] = [];
    for await (const chunk of one.blob(layer, offset, signal)) parts.push(chunk);
    expect(Buffer.concat(parts).equals(large.subarray(offset))).toBe(true);
  }
});
