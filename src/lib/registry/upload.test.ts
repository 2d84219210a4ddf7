import { afterEach, beforeEach, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { classOf } from '#base/errors';
import { silent } from '#base/log';
import { FakeRegistry, type FakeRegistryOptions, sha256 } from '#test/support/fake-registry';
import { parseDigest } from '../digest.ts';
import type { CredentialsOf } from './credentials.ts';
import { defaultHost } from './host.ts';
import { HttpClient } from './http.ts';
import { Repository } from './repository.ts';

const signal = new AbortController().signal;
let open: AsyncDisposableStack;
let http: HttpClient;

beforeEach(() => {
  open = new AsyncDisposableStack();
  http = open.use(new HttpClient({ dialTimeoutMs: 1000, responseTimeoutMs: 1000, stallTimeoutMs: 1000 }));
});
afterEach(() => open.disposeAsync());

const start = async (options: FakeRegistryOptions = {}) => open.use(await FakeRegistry.start(options));

function repository(registry: FakeRegistry, credentials?: CredentialsOf) {
  return new Repository({ registry: registry.host, path: 'a/b' }, [defaultHost(registry.host, { scheme: 'http' })], {
    http,
    userAgent: 'test',
    retry: { attempts: 4, baseDelayMs: 5, maxDelayMs: 20 },
    log: silent,
    credentials,
  });
}

const blobOf = (body: Buffer) => ({ mediaType: 'x/y', digest: parseDigest(sha256(body)), size: body.length });

/** Opens `body` from an offset, in pieces; remembers from where. */
function sourceOf(body: Buffer, offsets: number[] = []) {
  return async function* (offset: number) {
    offsets.push(offset);
    for (let at = offset; at < body.length; at += 65_536) yield body.subarray(at, Math.min(at + 65_536, body.length));
  };
}

const methods = (registry: FakeRegistry) => registry.seen.map((r) => r.method);

test('a small blob goes in one PUT, keeping the query of its location; a second push sends nothing', async () => {
  const registry = await start();
  const body = randomBytes(200_000);
  const repo = repository(registry);
  expect(await repo.pushBlob(blobOf(body), sourceOf(body), { signal })).toBe('uploaded');
  expect(methods(registry)).toEqual(['HEAD', 'POST', 'PUT']);
  expect(registry.seen.at(-1)?.url).toContain('?_state=a%2Bb&digest=sha256%3A');
  expect(registry.blobs.get(sha256(body))?.equals(body)).toBe(true);
  expect(await repo.pushBlob(blobOf(body), sourceOf(body), { signal })).toBe('exists');
  expect(methods(registry).slice(3)).toEqual(['HEAD']);
});

test('an empty blob can be pushed', async () => {
  const registry = await start();
  const body = Buffer.alloc(0);
  expect(await repository(registry).pushBlob(blobOf(body), sourceOf(body), { signal })).toBe('uploaded');
});

test('a blob is mounted from another repository; where that is refused it is uploaded', async () => {
  const registry = await start();
  const body = randomBytes(1000);
  registry.blob(body);
  registry.linkedOnly = true;
  registry.links.add(`other/repo@${sha256(body)}`);
  const repo = repository(registry);
  expect(await repo.pushBlob(blobOf(body), sourceOf(body), { mountFrom: 'other/repo', signal })).toBe('mounted');
  registry.links.clear();
  expect(await repo.pushBlob(blobOf(body), sourceOf(body), { mountFrom: 'other/repo', signal })).toBe('uploaded');
  registry.links.clear();
  registry.intercept = (_request, response, seen) => {
    if (!seen.url.includes('mount=')) return false;
    response.writeHead(403);
    response.end();
    return true;
  };
  expect(await repo.pushBlob(blobOf(body), sourceOf(body), { mountFrom: 'other/repo', signal })).toBe('uploaded');
});

test('a large upload that breaks goes on from where the registry says it got', async () => {
  const registry = await start();
  const body = randomBytes(12_000_000);
  let broken = 0;
  registry.intercept = (request) => {
    if (request.method === 'PATCH' && broken < 2) {
      broken++;
      let received = 0;
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > 3_000_000) request.socket.resetAndDestroy();
      });
    }
    return false;
  };
  const offsets: number[] = [];
  expect(await repository(registry).pushBlob(blobOf(body), sourceOf(body, offsets), { signal })).toBe('uploaded');
  expect(registry.blobs.get(sha256(body))?.equals(body)).toBe(true);
  expect(offsets.length).toBe(3);
  expect(offsets[0]).toBe(0);
  expect(offsets[1]).toBeGreaterThan(2_000_000);
  expect(offsets[2]).toBeGreaterThan(offsets[1] ?? 0);
});

test('an upload that the registry has forgotten begins anew', async () => {
  const registry = await start();
  const body = randomBytes(9_000_000);
  let forgotten = false;
  registry.intercept = (request) => {
    if (request.method === 'PATCH' && !forgotten) {
      forgotten = true;
      registry.uploads.clear();
    }
    return false;
  };
  expect(await repository(registry).pushBlob(blobOf(body), sourceOf(body), { signal })).toBe('uploaded');
  expect(methods(registry).filter((method) => method === 'POST')).toHaveLength(2);
});

test('a server that refuses large requests gets chunks', async () => {
  const registry = await start();
  const body = randomBytes(21_000_000);
  registry.intercept = async (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= 20_000_000) return false;
    response.writeHead(413, { connection: 'close' });
    response.end();
    return true;
  };
  expect(await repository(registry).pushBlob(blobOf(body), sourceOf(body), { signal })).toBe('uploaded');
  expect(registry.blobs.get(sha256(body))?.equals(body)).toBe(true);
});

test('pushing with a token asks for push, and for pull on the mount source', async () => {
  const registry = await start({ auth: { mode: 'bearer', user: 'u', password: 'p' } });
  const body = randomBytes(1000);
  const repo = repository(registry, async () => ({ user: 'u', password: 'p' }));
  await repo.pushBlob(blobOf(body), sourceOf(body), { mountFrom: 'c/d', signal });
  const scopes = registry.seen
    .filter((r) => r.url.startsWith('/token'))
    .map((r) => new URL(r.url, registry.url).searchParams.getAll('scope'));
  expect(scopes[0]).toContain('repository:a/b:pull,push');
  expect(scopes[0]).toContain('repository:c/d:pull');
  await repo.pushManifest('v1', blobOf(Buffer.from('{}')), Buffer.from('{}'), signal);
  expect(registry.manifests.get('a/b:v1')?.body.toString()).toBe('{}');
  expect(await repo.hasManifest('v1', parseDigest(sha256('{}')), signal)).toBe(true);
  expect(await repo.hasManifest('v2', parseDigest(sha256('{}')), signal)).toBe(false);
});

test('a refused upload says why, and a source that ends early is an error', async () => {
  const registry = await start();
  registry.intercept = (request, response) => {
    if (request.method !== 'POST') return false;
    response.writeHead(403);
    response.end('{"errors":[{"code":"DENIED","message":"read only"}]}');
    return true;
  };
  const body = randomBytes(10_000_000);
  const denied = repository(registry).pushBlob(blobOf(body), sourceOf(body), { signal });
  expect(
    await denied.then(
      () => '',
      (error: Error) => `${classOf(error)} ${error.message}`,
    ),
  ).toMatch(/^permission_denied .*DENIED: read only/);
  registry.intercept = undefined;
  const short = repository(registry).pushBlob(blobOf(body), sourceOf(body.subarray(0, 9_000_000)), { signal });
  expect(await short.then(() => '', classOf)).toBe('data_loss');
});
