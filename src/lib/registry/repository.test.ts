import { afterEach, beforeEach, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { classOf } from '#base/errors';
import { silent } from '#base/log';
import { FakeRegistry, type FakeRegistryOptions, sha256 } from '#test/support/fake-registry';
import { type Digest, parseDigest } from '../digest.ts';
import type { CredentialsOf } from './credentials.ts';
import { defaultHost, type RegistryHost } from './host.ts';
import { HttpClient } from './http.ts';
import { Repository } from './repository.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const signal = new AbortController().signal;
const retry = { attempts: 4, baseDelayMs: 5, maxDelayMs: 20 };
let open: AsyncDisposableStack;
let http: HttpClient;

beforeEach(() => {
  open = new AsyncDisposableStack();
  http = open.use(new HttpClient());
});
afterEach(() => open.disposeAsync());

async function start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  return open.use(await FakeRegistry.start(options));
}

function repository(hosts: readonly (RegistryHost | FakeRegistry)[], credentials?: CredentialsOf, path = 'a/b') {
  const all = hosts.map((host) => (host instanceof FakeRegistry ? defaultHost(host.host) : host));
  const name = { registry: all.at(-1)?.host ?? '', path };
  return new Repository(name, all, { http, userAgent: 'test', retry, log: silent, credentials });
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('did not fail');
}

const blobOf = (body: Buffer) => ({
  mediaType: 'application/octet-stream',
  digest: parseDigest(sha256(body)),
  size: body.length,
});

test('a tag resolves by one HEAD, and its manifest and blobs are read', async () => {
  const registry = await start();
  const body = randomBytes(3_000_000);
  registry.blob(body);
  const stored = registry.manifest('a/b', 'v1', manifestType, { schemaVersion: 2, layers: [] });
  const repo = repository([registry]);
  const resolved = await repo.resolve('v1', signal);
  expect(resolved as unknown).toEqual(stored);
  expect(registry.seen.filter((request) => request.url.includes('manifests')).map((r) => r.method)).toEqual(['HEAD']);
  expect((await repo.manifest(resolved, signal)).toString()).toBe('{"schemaVersion":2,"layers":[]}');
  expect((await collect(repo.blob(blobOf(body), 0, signal))).equals(body)).toBe(true);
  expect((await collect(repo.blob(blobOf(body), 1_000_000, signal))).equals(body.subarray(1_000_000))).toBe(true);
  expect(await collect(repo.blob(blobOf(body), body.length, signal))).toHaveLength(0);
});

test('a missing tag is not found, and says the reference', async () => {
  const registry = await start();
  const error = await failureOf(repository([registry]).resolve('nope', signal));
  expect([classOf(error), error.message]).toEqual(['not_found', `${registry.host}/a/b:nope: not found`]);
});

test('a registry that says neither type nor digest in its headers is read', async () => {
  const registry = await start();
  const stored = registry.manifest('a/b', 'v1', manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    layers: [],
  });
  registry.intercept = (request, response) => {
    if (!request.url?.includes('manifests')) return false;
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    response.end(request.method === 'HEAD' ? undefined : registry.manifests.get('a/b:v1')?.body);
    return true;
  };
  expect((await repository([registry]).resolve('v1', signal)) as unknown).toEqual(stored);
});

test('Docker schema 1 is refused by name', async () => {
  const registry = await start();
  registry.manifest('a/b', 'old', 'application/vnd.docker.distribution.manifest.v1+prettyjws', { schemaVersion: 1 });
  const error = await failureOf(repository([registry]).resolve('old', signal));
  expect(classOf(error)).toBe('not_implemented');
  expect(error.message).toContain('schema 1');
});

test('a manifest that is not what its digest says is refused, and one beyond the limit is not read', async () => {
  const registry = await start();
  const stored = registry.manifest('a/b', 'v1', manifestType, { schemaVersion: 2 });
  const descriptor = { ...stored, digest: stored.digest as Digest };
  registry.manifests.set(`a/b@${stored.digest}`, { mediaType: manifestType, body: Buffer.from('{"schemaVersion":3}') });
  expect(classOf(await failureOf(repository([registry]).manifest(descriptor, signal)))).toBe('failed_precondition');
  registry.manifests.set(`a/b@${stored.digest}`, { mediaType: manifestType, body: Buffer.alloc(5_000_000) });
  expect(classOf(await failureOf(repository([registry]).manifest(descriptor, signal)))).toBe('resource_exhausted');
});

test('a broken body is resumed where it broke, by range', async () => {
  const registry = await start();
  const body = randomBytes(2_000_000);
  registry.blob(body);
  let faults = 0;
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/') || faults >= 6) return false;
    faults++;
    const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from === 0 ? 200 : 206, {
      'content-length': body.length - from,
      'content-range': `bytes ${from}-${body.length - 1}/${body.length}`,
    });
    response.write(body.subarray(from, from + 100_000), () => setTimeout(() => request.socket.resetAndDestroy(), 20));
    return true;
  };
  // More faults than attempts: each brought bytes, so none counts against the others.
  expect((await collect(repository([registry]).blob(blobOf(body), 0, signal))).equals(body)).toBe(true);
  expect(registry.seen.filter((r) => r.url.includes('/blobs/')).map((r) => r.headers.range)).toEqual([
    undefined,
    ...[1, 2, 3, 4, 5, 6].map((n) => `bytes=${n * 100_000}-`),
  ]);
});

test('a server that ignores ranges is read from the start and the known bytes are skipped', async () => {
  const registry = await start();
  const body = randomBytes(500_000);
  registry.blob(body);
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/')) return false;
    response.writeHead(200, { 'content-length': body.length });
    response.end(body);
    return true;
  };
  expect(
    (await collect(repository([registry]).blob(blobOf(body), 123_456, signal))).equals(body.subarray(123_456)),
  ).toBe(true);
});

test('a stalled body is noticed, tried again, and given up in bounded time', async () => {
  http = open.use(new HttpClient({ stallTimeoutMs: 300 }));
  const registry = await start();
  const body = randomBytes(100_000);
  registry.blob(body);
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/')) return false;
    response.writeHead(200, { 'content-length': body.length });
    response.flushHeaders();
    return true;
  };
  const error = await failureOf(collect(repository([registry]).blob(blobOf(body), 0, signal)));
  expect(classOf(error)).toBe('unavailable');
  expect(error.message).toContain('sends no more of the body');
  expect(registry.seen.filter((r) => r.url.includes('/blobs/'))).toHaveLength(retry.attempts);
});

test('a server that never answers is given up in bounded time', async () => {
  http = open.use(new HttpClient({ responseTimeoutMs: 400 }));
  const registry = await start();
  registry.intercept = (request) => request.url?.includes('manifests') === true;
  const error = await failureOf(repository([registry]).resolve('v1', signal));
  expect([classOf(error), error.message.includes('no answer in time')]).toEqual(['unavailable', true]);
});

test('lies about length are errors: too long, too short, wrong range', async () => {
  const registry = await start();
  const body = randomBytes(100_000);
  registry.blob(body);
  const answers = [
    { status: 200, headers: { 'content-length': 100_001 } },
    { status: 200, headers: { 'content-length': 99_999 } },
    { status: 206, headers: { 'content-range': 'bytes 50000-99999/100000' } },
    { status: 206, headers: { 'content-range': 'bytes 0-99999/7' } },
    { status: 206, headers: {} },
    { status: 200, headers: { 'transfer-encoding': 'chunked' } },
  ];
  for (const { status, headers } of answers) {
    registry.intercept = (request, response) => {
      if (!request.url?.includes('/blobs/')) return false;
      response.writeHead(status, headers as Record<string, string>);
      response.end(Buffer.alloc(100_001));
      return true;
    };
    const error = await failureOf(collect(repository([registry]).blob(blobOf(body), 10, signal)));
    expect([JSON.stringify(headers), classOf(error)]).toEqual([JSON.stringify(headers), 'failed_precondition']);
  }
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/')) return false;
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    response.end(body.subarray(0, 1000)); // ends cleanly, too early
    return true;
  };
  expect(classOf(await failureOf(collect(repository([registry]).blob(blobOf(body), 0, signal))))).toBe('unavailable');
});

test('429 and 503 are tried again after Retry-After, other refusals are not', async () => {
  const registry = await start();
  registry.manifest('a/b', 'v1', manifestType, { schemaVersion: 2 });
  const statuses = [429, 503];
  registry.intercept = (request, response) => {
    const status = request.url?.includes('manifests') === true ? statuses.shift() : undefined;
    if (status === undefined) return false;
    response.writeHead(status, { 'retry-after': '0' });
    response.end();
    return true;
  };
  await repository([registry]).resolve('v1', signal);
  expect(registry.seen.filter((r) => r.url.includes('manifests'))).toHaveLength(3);
  registry.intercept = (_request, response) => {
    response.writeHead(418);
    response.end('{"errors":[{"code":"TEAPOT","message":"short\\nand stout"}]}');
    return true;
  };
  const error = await failureOf(repository([registry]).resolve('v1', signal));
  expect(error.message).toContain('418');
  expect(error.message).toContain('TEAPOT: short and stout');
});

test('a cancelled read ends at once, also while waiting to try again', async () => {
  const registry = await start();
  registry.intercept = (_request, response) => {
    response.writeHead(503, { 'retry-after': '30' });
    response.end();
    return true;
  };
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(), 50);
  const began = Date.now();
  expect(classOf(await failureOf(repository([registry]).resolve('v1', cancel.signal)))).toBe('canceled');
  expect(Date.now() - began).toBeLessThan(20_000);
});
