import { createHash, randomUUID } from 'node:crypto';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
}

export type Interceptor = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
  seen: SeenRequest,
) => boolean | Promise<boolean>;

export interface FakeRegistryOptions {
  readonly tls?: https.ServerOptions;
  readonly auth?:
    | { readonly mode: 'basic'; readonly user: string; readonly password: string }
    | {
        readonly mode: 'bearer';
        readonly user?: string;
        readonly password?: string;
        readonly refreshToken?: string;
        readonly expiresIn?: number;
      };
}

/** A registry in this process: the distribution API on memory, keeping what it was asked, with a place to inject faults. */
export class FakeRegistry implements AsyncDisposable {
  readonly blobs = new Map<string, Buffer>();
  /** `repository:tag` or `repository@digest`. */
  readonly manifests = new Map<string, { readonly mediaType: string; readonly body: Buffer }>();
  /** `repository@digest` for blobs linked into a repository; empty: any repository has every blob. */
  readonly links = new Set<string>();
  readonly seen: SeenRequest[] = [];
  readonly tokens = new Set<string>();
  /** Called before the registry itself; true when it has answered. */
  intercept: Interceptor | undefined;
  /** Bytes received per upload, and how many requests carried bytes. */
  readonly uploads = new Map<string, Buffer[]>();
  linkedOnly = false;
  readonly #options: FakeRegistryOptions;
  readonly #server: http.Server;

  private constructor(options: FakeRegistryOptions) {
    this.#options = options;
    const listener = (request: http.IncomingMessage, response: http.ServerResponse) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    };
    this.#server = options.tls === undefined ? http.createServer(listener) : https.createServer(options.tls, listener);
  }

  static async start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
    const registry = new FakeRegistry(options);
    const ready = Promise.withResolvers<void>();
    registry.#server.listen(0, '127.0.0.1', ready.resolve);
    await ready.promise;
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${this.host}`;
  }

  /** Stores a blob and returns its digest. */
  blob(body: Uint8Array): string {
    const digest = sha256(body);
    this.blobs.set(digest, Buffer.from(body));
    return digest;
  }

  /** Stores a manifest under a tag and its digest; returns its descriptor. */
  manifest(repository: string, tag: string, mediaType: string, document: unknown) {
    const body = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
    const digest = sha256(body);
    this.manifests.set(`${repository}:${tag}`, { mediaType, body });
    this.manifests.set(`${repository}@${digest}`, { mediaType, body });
    return { mediaType, digest, size: body.length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    this.seen.push(seen);
    request.on('error', () => {});
    response.on('error', () => {});
    if (await this.intercept?.(request, response, seen)) return;
    const url = new URL(seen.url, this.url);
    if (url.pathname === '/token') return this.#token(request, response, url);
    if (!this.#authorized(request)) return this.#refuse(response, url);
    if (url.pathname === '/v2/') return end(response, 200);
    const match = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(url.pathname);
    if (match === null) return end(response, 404);
    const [, path = '', kind, rest = ''] = match;
    const upload = /^(.+)\/blobs\/uploads\/(.*)$/.exec(url.pathname.slice(4));
    if (upload !== null) return this.#upload(request, response, url, upload[1] ?? '', upload[2] ?? '');
    if (kind === 'manifests') return this.#manifests(request, response, path, rest);
    return this.#blobs(request, response, path, rest);
  }

  #authorized(request: http.IncomingMessage): boolean {
    const { auth } = this.#options;
    if (auth === undefined) return true;
    const shown = request.headers.authorization ?? '';
    if (auth.mode === 'basic') return shown === basic(auth.user, auth.password);
    return shown.startsWith('Bearer ') && this.tokens.has(shown.slice(7));
  }

  #refuse(response: http.ServerResponse, url: URL): void {
    const scope = `repository:${/^\/v2\/(.+)\/(manifests|blobs)\//.exec(url.pathname)?.[1] ?? ''}:pull`;
    response.setHeader(
      'www-authenticate',
      this.#options.auth?.mode === 'basic'
        ? 'Basic realm="fake"'
        : `Bearer realm="${this.url}/token",service="fake",scope="${scope}"`,
    );
    end(response, 401, JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
  }

  async #token(request: http.IncomingMessage, response: http.ServerResponse, url: URL): Promise<void> {
    const { auth } = this.#options;
    if (auth?.mode !== 'bearer') return end(response, 404);
    const form = new URLSearchParams((await readAll(request)).toString());
    const wantsUser = auth.user !== undefined || auth.refreshToken !== undefined;
    const byUser = auth.user !== undefined && request.headers.authorization === basic(auth.user, auth.password ?? '');
    const byRefresh =
      request.method === 'POST' && auth.refreshToken !== undefined && form.get('refresh_token') === auth.refreshToken;
    if (wantsUser && !byUser && !byRefresh) return end(response, 401, '{"details":"incorrect username or password"}');
    const token = `t-${randomUUID()}`;
    this.tokens.add(token);
    const scope = url.searchParams.getAll('scope').join(' ');
    end(response, 200, JSON.stringify({ token, expires_in: auth.expiresIn ?? 300, scope }));
  }

  async #manifests(request: http.IncomingMessage, response: http.ServerResponse, path: string, reference: string) {
    const key = reference.includes(':') ? `${path}@${reference}` : `${path}:${reference}`;
    if (request.method === 'PUT') {
      const body = await readAll(request);
      const mediaType = String(request.headers['content-type']);
      const digest = sha256(body);
      this.manifests.set(key, { mediaType, body });
      this.manifests.set(`${path}@${digest}`, { mediaType, body });
      response.setHeader('docker-content-digest', digest);
      return end(response, 201);
    }
    const found = this.manifests.get(key);
    if (found === undefined)
      return end(
        response,
        404,
        JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }),
      );
    response.writeHead(200, {
      'content-type': found.mediaType,
      'content-length': found.body.length,
      'docker-content-digest': sha256(found.body),
    });
    response.end(request.method === 'HEAD' ? undefined : found.body);
  }

  #blobs(request: http.IncomingMessage, response: http.ServerResponse, path: string, digest: string) {
    const body = this.linkedOnly && !this.links.has(`${path}@${digest}`) ? undefined : this.blobs.get(digest);
    if (body === undefined) return end(response, 404);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const last = Math.min(Number(range?.[2] || body.length - 1), body.length - 1);
    if (from >= body.length && from > 0) return end(response, 416);
    response.writeHead(range === null ? 200 : 206, {
      'content-length': last + 1 - from,
      'docker-content-digest': digest,
      ...(range === null ? {} : { 'content-range': `bytes ${from}-${last}/${body.length}` }),
    });
    response.end(request.method === 'HEAD' ? undefined : body.subarray(from, last + 1));
  }

  async #upload(request: http.IncomingMessage, response: http.ServerResponse, url: URL, path: string, id: string) {
    if (request.method === 'POST') {
      const [mount, from] = [url.searchParams.get('mount'), url.searchParams.get('from')];
      if (mount !== null && this.blobs.has(mount) && (!this.linkedOnly || this.links.has(`${from}@${mount}`))) {
        this.links.add(`${path}@${mount}`);
        return end(response, 201);
      }
      const fresh = randomUUID();
      this.uploads.set(fresh, []);
      response.setHeader('location', `/v2/${path}/blobs/uploads/${fresh}?_state=a%2Bb`);
      return end(response, 202);
    }
    const parts = this.uploads.get(id);
    if (parts === undefined) return end(response, 404);
    const range = () => `0-${Math.max(parts.reduce((sum, part) => sum + part.length, 0) - 1, 0)}`;
    response.setHeader('location', `/v2/${path}/blobs/uploads/${id}?_state=a%2Bb`);
    if (request.method === 'GET') {
      response.setHeader('range', range());
      return end(response, 204);
    }
    // What arrives before a connection breaks stays, as in real registries.
    for await (const chunk of request) parts.push(chunk as Buffer);
    if (request.method === 'PATCH') {
      response.setHeader('range', range());
      return end(response, 202);
    }
    const held = Buffer.concat(parts);
    const digest = sha256(held);
    if (digest !== url.searchParams.get('digest')) return end(response, 400, '{"errors":[{"code":"DIGEST_INVALID"}]}');
    this.blobs.set(digest, held);
    this.links.add(`${path}@${digest}`);
    this.uploads.delete(id);
    response.setHeader('docker-content-digest', digest);
    end(response, 201);
  }
}

export function sha256(body: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

function end(response: http.ServerResponse, status: number, body?: string): void {
  response.statusCode = status;
  if (status !== 204) response.setHeader('content-length', Buffer.byteLength(body ?? ''));
  response.end(body);
}

async function readAll(request: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
