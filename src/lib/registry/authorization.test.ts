import { afterEach, beforeEach, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { classOf } from '#base/errors';
import { silent } from '#base/log';
import { FakeRegistry, type FakeRegistryOptions, sha256 } from '#test/support/fake-registry';
import { parseDigest } from '../digest.ts';
import type { Credentials, CredentialsOf } from './credentials.ts';
import { defaultHost, type RegistryHost } from './host.ts';
import { HostSession } from './host-session.ts';
import { HttpClient } from './http.ts';
import { Repository } from './repository.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const signal = new AbortController().signal;
const retry = { attempts: 3, baseDelayMs: 5, maxDelayMs: 20 };
let open: AsyncDisposableStack;
let http: HttpClient;

beforeEach(() => {
  open = new AsyncDisposableStack();
  http = open.use(new HttpClient({ dialTimeoutMs: 1000, responseTimeoutMs: 1000, stallTimeoutMs: 1000 }));
});
afterEach(() => open.disposeAsync());

async function start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const registry = open.use(await FakeRegistry.start(options));
  registry.manifest('a/b', 'v1', manifestType, { schemaVersion: 2 });
  return registry;
}

function repository(hosts: readonly RegistryHost[], credentials?: CredentialsOf) {
  const name = { registry: hosts.at(-1)?.host ?? '', path: 'a/b' };
  return new Repository(name, hosts, { http, userAgent: 'test', retry, log: silent, credentials });
}

const plain = (registry: FakeRegistry, more: Partial<RegistryHost> = {}): RegistryHost =>
  defaultHost(registry.host, { scheme: 'http', ...more });

const always = (credentials: Credentials) => async () => credentials;

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

const blobOf = (body: Buffer) => ({ mediaType: 'x/y', digest: parseDigest(sha256(body)), size: body.length });

test('basic authentication is given when asked for, and the callback is asked once', async () => {
  const registry = await start({ auth: { mode: 'basic', user: 'u', password: 'p:w' } });
  const asked: string[] = [];
  const repo = repository([plain(registry)], async (host, challenge) => {
    asked.push(`${host} ${challenge}`);
    return { user: 'u', password: 'p:w' };
  });
  await repo.resolve('v1', signal);
  await repo.resolve('v1', signal);
  expect(asked).toEqual([`${registry.host} Basic realm="fake"`]);
  expect(registry.seen.filter((r) => r.headers.authorization === undefined)).toHaveLength(1);
});

test('a wrong password is one refusal, and is in no error text', async () => {
  const registry = await start({ auth: { mode: 'basic', user: 'u', password: 'right' } });
  const repo = repository([plain(registry)], always({ user: 'u', password: 'wrong-secret' }));
  const error = await failureOf(repo.resolve('v1', signal));
  expect(classOf(error)).toBe('unauthenticated');
  expect(error.message).toStartWith('pull access denied, repository does not exist or may require authorization');
  expect(error.message).toEndWith('UNAUTHORIZED: authentication required: unauthorized');
  expect(error.message).not.toContain('wrong-secret');
  expect(registry.seen.filter((r) => r.url.includes('manifests')).length).toBeLessThanOrEqual(3);
});

test('an anonymous bearer token is fetched once for requests that run together', async () => {
  const registry = await start({ auth: { mode: 'bearer' } });
  const body = randomBytes(1000);
  registry.blob(body);
  const repo = repository([plain(registry)]);
  await Promise.all([
    repo.resolve('v1', signal),
    collect(repo.blob(blobOf(body), 0, signal)),
    collect(repo.blob(blobOf(body), 0, signal)),
  ]);
  const tokens = registry.seen.filter((r) => r.url.startsWith('/token'));
  expect(tokens).toHaveLength(1);
  expect(new URL(tokens[0]?.url ?? '', registry.url).searchParams.getAll('scope')).toEqual(['repository:a/b:pull']);
  expect(new URL(tokens[0]?.url ?? '', registry.url).searchParams.get('service')).toBe('fake');
});

test('a password is traded for a token by GET, an identity token by POST', async () => {
  const registry = await start({ auth: { mode: 'bearer', user: 'u', password: 'p', refreshToken: 'refresh' } });
  await repository([plain(registry)], always({ user: 'u', password: 'p' })).resolve('v1', signal);
  await repository([plain(registry)], always({ identityToken: 'refresh' })).resolve('v1', signal);
  expect(registry.seen.filter((r) => r.url.startsWith('/token')).map((r) => r.method)).toEqual(['GET', 'POST']);
  const denied = repository([plain(registry)], always({ identityToken: 'stale-secret' }));
  const error = await failureOf(denied.resolve('v1', signal));
  expect([classOf(error), error.message.includes('stale-secret')]).toEqual(['unauthenticated', false]);
  expect(error.message).toContain('incorrect username or password');
});

test('a token that the registry has forgotten is renewed', async () => {
  const registry = await start({ auth: { mode: 'bearer' } });
  const repo = repository([plain(registry)]);
  await repo.resolve('v1', signal);
  registry.tokens.clear();
  await repo.resolve('v1', signal);
  expect(registry.seen.filter((r) => r.url.startsWith('/token'))).toHaveLength(2);
});

test('a token with a line break in it goes into no header', async () => {
  const registry = await start({ auth: { mode: 'bearer' } });
  registry.intercept = (request, response) => {
    if (!request.url?.startsWith('/token')) return false;
    response.end(JSON.stringify({ token: 'abc\r\nx-evil: 1' }));
    return true;
  };
  expect((await failureOf(repository([plain(registry)]).resolve('v1', signal))).message).toContain('gave no token');
});

test('a redirect to another host takes neither Authorization nor configured headers along, and signed queries stay out of errors', async () => {
  const registry = await start({ auth: { mode: 'basic', user: 'u', password: 'p' } });
  const storage = await start();
  const body = randomBytes(200_000);
  const digest = storage.blob(body);
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/blobs/') || request.headers.authorization === undefined) return false;
    response.writeHead(307, { location: `${storage.url}/v2/x/blobs/${digest}?X-Signature=signed-secret` });
    response.end();
    return true;
  };
  const host = plain(registry, { headers: { 'x-secret': ['configured'], authorization: [] } });
  const repo = repository([host], always({ user: 'u', password: 'p' }));
  expect((await collect(repo.blob(blobOf(body), 1000, signal))).equals(body.subarray(1000))).toBe(true);
  expect(registry.seen.at(-1)?.headers['x-secret']).toBe('configured');
  const there = storage.seen.at(-1);
  expect([there?.headers.authorization, there?.headers['x-secret'], there?.headers.range]).toEqual([
    undefined,
    undefined,
    'bytes=1000-',
  ]);
  storage.intercept = (_request, response) => {
    response.writeHead(403);
    response.end();
    return true;
  };
  const error = await failureOf(collect(repo.blob(blobOf(body), 0, signal)));
  expect(error.message).toContain('403');
  expect(error.message).not.toContain('signed-secret');
});

test('redirects end after ten', async () => {
  const registry = await start();
  registry.intercept = (request, response) => {
    response.writeHead(302, { location: `${request.url}x` });
    response.end();
    return true;
  };
  const error = await failureOf(repository([plain(registry)]).resolve('v1', signal));
  expect(error.message).toContain('stopped after 10 redirects');
  expect(registry.seen.length).toBe(11);
});

test('CVE-2020-15157: a foreign URL is asked without credentials, even if it asks for them', async () => {
  const registry = await start({ auth: { mode: 'basic', user: 'u', password: 'p' } });
  const stranger = await start();
  const body = randomBytes(1000);
  stranger.blob(body);
  const asked: string[] = [];
  const repo = repository([plain(registry)], async (host) => {
    asked.push(host);
    return { user: 'u', password: 'p' };
  });
  const urls = ['ftp://example/x', 'not a url', `${stranger.url}/v2/x/blobs/${sha256(body)}`];
  expect((await collect(repo.blob({ ...blobOf(body), urls }, 0, signal))).equals(body)).toBe(true);
  stranger.intercept = (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="give"' });
    response.end();
    return true;
  };
  const error = await failureOf(collect(repo.blob({ ...blobOf(body), urls }, 0, signal)));
  expect(error.message).toContain(stranger.host);
  expect(asked).toEqual([registry.host]);
  expect(stranger.seen.map((r) => r.headers.authorization)).toEqual(stranger.seen.map(() => undefined));
});

test('mirrors come first with ?ns=, what they lack comes from the registry, and a dead mirror costs no retries', async () => {
  const registry = await start();
  const mirror = await start();
  const body = randomBytes(1000);
  registry.blob(body);
  const dead = defaultHost('127.0.0.1:1', { scheme: 'http' });
  const repo = repository([dead, plain(mirror), plain(registry)]);
  await repo.resolve('v1', signal);
  expect(mirror.seen.map((r) => r.url)).toEqual([`/v2/a/b/manifests/v1?ns=${encodeURIComponent(registry.host)}`]);
  expect(registry.seen).toHaveLength(0);
  expect((await collect(repo.blob(blobOf(body), 0, signal))).equals(body)).toBe(true);
  expect(registry.seen.map((r) => r.url)).toEqual([`/v2/a/b/blobs/${sha256(body)}`]);
});

test('when all hosts fail the error tells what each said, and has the class of the registry itself', async () => {
  const registry = await start();
  const mirror = await start();
  mirror.intercept = (_request, response) => {
    response.writeHead(500);
    response.end();
    return true;
  };
  const error = await failureOf(repository([plain(mirror), plain(registry)]).resolve('nope', signal));
  expect(classOf(error)).toBe('not_found');
  expect(error.message).toContain(`${mirror.host}: unexpected status from`);
  expect(error.message).toContain(`${registry.host}: ${registry.host}/a/b:nope: not found`);
});

test('a host is only used for what its capabilities say', async () => {
  const registry = await start();
  const mirror = await start();
  const hosts = [plain(mirror, { capabilities: new Set(['pull'] as const) }), plain(registry)];
  await repository(hosts).resolve('v1', signal);
  expect([mirror.seen.length, registry.seen.length]).toEqual([0, 1]);
});

test('an upload that goes on at another host takes no credentials there', async () => {
  const registry = await start({ auth: { mode: 'basic', user: 'u', password: 'p' } });
  const storage = await start();
  registry.intercept = (request, response) => {
    if (request.method !== 'POST' || request.headers.authorization === undefined) return false;
    response.writeHead(202, { location: `${storage.url}/v2/x/blobs/uploads/1?sig=signed-secret` });
    response.end();
    return true;
  };
  storage.uploads.set('1', []);
  const body = randomBytes(1000);
  const repo = repository(
    [plain(registry, { headers: { 'x-secret': ['configured'] } })],
    always({ user: 'u', password: 'p' }),
  );
  const source = async function* () {
    yield body;
  };
  expect(await repo.pushBlob(blobOf(body), source, { signal })).toBe('uploaded');
  expect(storage.seen.map(({ method, headers }) => [method, headers.authorization, headers['x-secret']])).toEqual([
    ['PUT', undefined, undefined],
  ]);
  storage.seen.length = 0;
  storage.uploads.clear();
  const error = await failureOf(repo.pushBlob(blobOf(randomBytes(1000)), source, { signal }));
  expect(error.message).not.toContain('signed-secret');
});

test('a location that forgets the TLS in front of the registry is mended, others are taken as they are', () => {
  const session = new HostSession(defaultHost('r.example:8443', { scheme: 'https' }), 'r.example:8443', 'a/b', {
    http,
    userAgent: 'test',
    retry,
    log: silent,
  });
  const from = new URL('https://r.example:8443/v2/a/b/blobs/uploads/');
  const resolved = (location: string) => session.resolve(location, from).href;
  expect(resolved('/v2/x?a=b')).toBe('https://r.example:8443/v2/x?a=b');
  expect(resolved('http://r.example/v2/x')).toBe('https://r.example:8443/v2/x');
  expect(resolved('http://other.example/v2/x')).toBe('http://other.example/v2/x');
  expect(() => session.resolve('http://[', from)).toThrow('invalid Location');
});
