import { fault, messageOf } from '#base/errors';
import type { Log } from '#base/log';
import { Authorizer } from './authorizer.ts';
import type { CredentialsOf } from './credentials.ts';
import { noTls, type RegistryHost, serverOf } from './host.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http.ts';
import { redact } from './registry-error.ts';
import { isLost, isPassing, pause, type RetryPolicy } from './retry.ts';

export interface SessionOptions {
  readonly http: HttpClient;
  readonly credentials?: CredentialsOf | undefined;
  readonly userAgent: string;
  readonly retry: RetryPolicy;
  readonly log: Log;
}

export interface HostRequest {
  readonly method: string;
  /** Below the repository (`manifests/latest`), or a whole URL that this host gave. */
  readonly target: string | URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly bodyBytes?: number;
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
  /** At most so many attempts; a streamed body allows only one. */
  readonly attempts?: number;
}

const maxRedirects = 10;
const redirects = new Set([301, 302, 303, 307, 308]);

/** One host during one transfer: its tokens, its scheme once known, and how to speak of one repository to it. */
export class HostSession {
  readonly host: RegistryHost;
  readonly #registry: string;
  readonly #repository: string;
  readonly #options: SessionOptions;
  readonly #authorizer: Authorizer;
  #scheme: Promise<'http' | 'https'> | undefined;

  constructor(host: RegistryHost, registry: string, repository: string, options: SessionOptions) {
    this.host = host;
    this.#registry = registry;
    this.#repository = repository;
    this.#options = options;
    const tls = { ...host.tls, clients: [] };
    this.#authorizer = new Authorizer(host, options.credentials, (request) =>
      this.#retrying(options.retry.attempts, request.signal, () => this.#follow({ ...request, tls }, undefined)),
    );
  }

  /**
   * Sends, convinces, follows redirects, and tries again after what passes by itself. Answers of any other status are returned.
   * @throws ConnectionError once the attempts are used up; canceled; RegistryError from a token server
   */
  async request(request: HostRequest): Promise<HttpResponse> {
    const streamed = isStream(request.body);
    const attempts = streamed ? 1 : (request.attempts ?? this.#options.retry.attempts);
    return this.#retrying(attempts, request.signal, () => this.#authorized(request, streamed));
  }

  async #retrying(wanted: number, signal: AbortSignal, send: () => Promise<HttpResponse>): Promise<HttpResponse> {
    const { retry, log } = this.#options;
    const attempts = Math.min(wanted, retry.attempts);
    for (let attempt = 1; ; attempt++) {
      let retryAfter: string | undefined;
      try {
        const response = await send();
        if (!isPassing(response.status) || attempt >= attempts) return response;
        retryAfter = response.headers['retry-after'];
        await response.discard();
        log.debug('registry asks to wait', { host: this.host.host, status: response.status, attempt });
      } catch (error) {
        if (!isLost(error) || attempt >= attempts) throw error;
        log.debug('registry connection lost', { host: this.host.host, error: messageOf(error), attempt });
      }
      await pause(retry, attempt + 1, signal, retryAfter);
    }
  }

  /**
   * Absolute form of a location that this host answered with. A registry behind a proxy that does its TLS may not know that
   * it is reached over TLS: its own name with `http` means itself. @throws invalid_argument
   */
  resolve(location: string, base: URL): URL {
    try {
      const url = new URL(location, base);
      if (base.protocol === 'https:' && url.protocol === 'http:' && url.hostname === base.hostname) {
        url.port = base.port;
        url.protocol = 'https:';
      }
      return url;
    } catch (error) {
      throw fault('invalid_argument', `${this.host.host} sent an invalid Location`, error);
    }
  }

  async #authorized(request: HostRequest, streamed: boolean): Promise<HttpResponse> {
    const url = await this.#url(request);
    // An upload may go on elsewhere: what convinces this host is nobody else's to see.
    const home = url.origin === (await this.#origin(request.signal));
    for (let round = 1; ; round++) {
      const authorization = home ? await this.#authorizer.header(request.scopes, request.signal) : undefined;
      const response = await this.#follow(
        {
          method: request.method,
          url,
          headers: request.headers ?? {},
          tls: this.host.tls,
          signal: request.signal,
          ...(request.body === undefined ? {} : { body: request.body }),
          ...(request.bodyBytes === undefined ? {} : { bodyBytes: request.bodyBytes }),
          ...(this.host.dialTimeoutMs === undefined ? {} : { dialTimeoutMs: this.host.dialTimeoutMs }),
        },
        authorization,
      );
      if (response.status !== 401 || round === 3 || !home || response.url.origin !== url.origin) return response;
      const header = response.headers['www-authenticate'];
      if (!(await this.#authorizer.challenged(header, url, request.scopes, authorization)) || streamed) return response;
      await response.discard();
    }
  }

  /** Follows redirects. What identifies us stays with the origin that was asked first. */
  async #follow(request: HttpRequest, authorization: string | undefined): Promise<HttpResponse> {
    const { http, userAgent } = this.#options;
    const home = request.url.origin;
    const ours = home === (await this.#origin(request.signal));
    let { url, method } = request;
    let away = false;
    for (let hop = 0; ; hop++) {
      away ||= url.origin !== home;
      const { authorization: own, ...plain } = request.headers as Record<string, string>;
      const identity = away ? undefined : (authorization ?? own);
      const response = await http.send({
        ...request,
        method,
        url,
        headers: {
          'user-agent': userAgent,
          ...(ours && !away ? this.host.headers : {}),
          ...plain,
          ...(identity === undefined ? {} : { authorization: identity }),
        },
        tls: away ? { ...(request.tls ?? noTls), clients: [] } : (request.tls ?? noTls),
      });
      const location = response.headers.location;
      if (!redirects.has(response.status) || location === undefined) return response;
      if (isStream(request.body)) return response;
      await response.discard();
      if (hop >= maxRedirects)
        throw fault('failed_precondition', `${redact(request.url)}: stopped after ${maxRedirects} redirects`);
      url = this.resolve(location, url);
      if (response.status === 303 && method !== 'HEAD') method = 'GET';
    }
  }

  async #url(request: HostRequest): Promise<URL> {
    const { target } = request;
    const url =
      typeof target === 'string'
        ? new URL(`${await this.#origin(request.signal)}${this.host.path}/${this.#repository}/${target}`)
        : new URL(target);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    // A mirror serves several registries; this tells it which one is meant.
    if (typeof target === 'string' && serverOf(this.#registry) !== this.host.host)
      url.searchParams.set('ns', this.#registry);
    return url;
  }

  async #origin(signal: AbortSignal): Promise<string> {
    if (this.host.scheme !== 'probe') return originOf(this.host.scheme, this.host.host);
    this.#scheme ??= this.#probe(signal);
    this.#scheme.catch(() => {
      this.#scheme = undefined;
    });
    return originOf(await this.#scheme, this.host.host);
  }

  /** A server that speaks TLS only answers plain HTTP with a 400, by leading there or by hanging up; whoever answers otherwise is taken at its word. */
  async #probe(signal: AbortSignal): Promise<'http' | 'https'> {
    const url = new URL(`${originOf('http', this.host.host)}/v2/`);
    try {
      const response = await this.#options.http.send({
        method: 'GET',
        url,
        headers: { 'user-agent': this.#options.userAgent },
        dialTimeoutMs: this.host.dialTimeoutMs ?? 5_000,
        signal,
      });
      const suspect = response.status === 400 || /^https:/i.test(response.headers.location ?? '');
      await response.discard();
      return suspect ? 'https' : 'http';
    } catch (error) {
      if (isLost(error)) return 'https';
      throw error;
    }
  }
}

const isStream = (body: HttpRequest['body']): boolean => body !== undefined && !(body instanceof Uint8Array);
const originOf = (scheme: string, host: string): string => new URL(`${scheme}://${host}`).origin;
