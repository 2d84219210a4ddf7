import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { abortFault, throwIfAborted } from '#base/cancellation';
import { fault, messageOf } from '#base/errors';
import { isLocal, noTls } from './host.ts';
import { type HttpWatch, WatchedExchange } from './http-watch.ts';
import { ConnectionError, redact } from './registry-error.ts';

/** What to trust and how to prove who we are; absent members mean the system's roots and nothing to prove. */
export interface TlsSettings {
  /** PEM, in addition to the client's roots. */
  readonly ca: readonly string[];
  readonly clients: readonly { readonly cert: string; readonly key: string }[];
  readonly skipVerify: boolean;
}

/** Where requests go through, in the words of the environment (`HTTP_PROXY` and its kin). This machine's own addresses are always reached directly. */
export interface ProxySettings {
  readonly HTTP_PROXY?: string;
  readonly HTTPS_PROXY?: string;
  readonly NO_PROXY?: string;
}

export interface HttpOptions {
  readonly proxy?: ProxySettings;
  /** PEM certificates trusted besides those of a request's settings; absent: the ones that come with the runtime. */
  readonly roots?: readonly string[];
  readonly dialTimeoutMs?: number;
  /** From the end of the request to the first byte of the answer. */
  readonly responseTimeoutMs?: number;
  /** Longest silence within a body, in either direction. */
  readonly stallTimeoutMs?: number;
  /** Hears everything; connections are not kept then. */
  readonly watch?: HttpWatch;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** A stream needs `bodyBytes`; it is read only as fast as the server takes it. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly bodyBytes?: number;
  readonly tls?: TlsSettings;
  readonly dialTimeoutMs?: number;
  readonly signal: AbortSignal;
}

/** Its body must be taken by exactly one of `body`, `bytes`, `discard`; otherwise the connection stays busy. */
export interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly statusText: string;
  readonly headers: http.IncomingHttpHeaders;
  /** The bytes as they come. Leaving the loop early closes the connection. @throws ConnectionError when cut short or silent */
  body(): AsyncGenerator<Uint8Array, void, undefined>;
  /** The whole body. @throws resource_exhausted beyond `limit` */
  bytes(limit: number): Promise<Buffer>;
  /** Gives the connection back, or closes it where more than a little is left. */
  discard(): Promise<void>;
}

const discardLimit = 64 * 1024;

/** HTTP/1.1 exchanges over kept-alive connections. Follows no redirect, knows no credentials, retries nothing but a connection that had gone stale. */
export class HttpClient implements Disposable {
  readonly #roots: readonly string[] | undefined;
  readonly #timeouts: { readonly dial: number; readonly response: number; readonly stall: number };
  readonly #proxy: ProxySettings | undefined;
  readonly #watch: HttpWatch | undefined;
  readonly #agents = new Map<string, http.Agent>();

  constructor(options: HttpOptions = {}) {
    this.#roots = options.roots;
    this.#proxy = options.proxy;
    this.#watch = options.watch;
    this.#timeouts = {
      dial: options.dialTimeoutMs ?? 30_000,
      response: options.responseTimeoutMs ?? 60_000,
      stall: options.stallTimeoutMs ?? 30_000,
    };
  }

  /** @throws ConnectionError; canceled or deadline_exceeded; what the body's stream throws */
  async send(request: HttpRequest): Promise<HttpResponse> {
    throwIfAborted(request.signal);
    const exchange = this.#exchange(request);
    try {
      return await exchange.run();
    } catch (error) {
      if (!exchange.stale) throw error;
      return await this.#exchange(request).run();
    }
  }

  #exchange(request: HttpRequest): Exchange {
    const { method, url } = request;
    const watched = this.#watch === undefined ? undefined : new WatchedExchange(this.#watch, method, url);
    return new Exchange(request, this.#timeouts, this.#agentFor(request), watched);
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #agentFor({ url, tls = noTls }: HttpRequest): http.Agent {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw fault('invalid_argument', `unsupported URL scheme in ${redact(url)}`);
    const secure = url.protocol === 'https:';
    const direct = this.#proxy === undefined || isLocal(url.host);
    // The settings are read from files for every transfer; equal contents must share connections.
    const contents = secure ? createHash('sha256').update(JSON.stringify(tls)).digest('hex') : '';
    const key = `${secure} ${direct} ${contents}`;
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      const options = {
        ...agentOptions,
        keepAlive: this.#watch === undefined,
        ...(direct ? {} : { proxyEnv: { ...this.#proxy } }),
      };
      agent = secure ? new https.Agent({ ...options, ...tlsOptions(tls, this.#roots) }) : new http.Agent(options);
      this.#agents.set(key, agent);
    }
    return agent;
  }
}

const agentOptions = { keepAlive: true, maxFreeSockets: 16, timeout: 60_000 };

function tlsOptions(tls: TlsSettings, roots: readonly string[] | undefined): https.AgentOptions {
  const ca = roots === undefined && tls.ca.length === 0 ? undefined : [...(roots ?? rootCertificates), ...tls.ca];
  return {
    rejectUnauthorized: !tls.skipVerify,
    ...(ca === undefined ? {} : { ca }),
    ...(tls.clients.length === 0
      ? {}
      : { cert: tls.clients.map((pair) => pair.cert), key: tls.clients.map((pair) => pair.key) }),
  };
}

class Exchange {
  readonly #request: HttpRequest;
  readonly #timeouts: { readonly dial: number; readonly response: number; readonly stall: number };
  readonly #wire: http.ClientRequest;
  readonly #clock: Clock;
  readonly #watched: WatchedExchange | undefined;
  readonly #abort: () => void;
  #stage: 'dial' | 'lost' = 'dial';
  #answered = false;

  constructor(
    request: HttpRequest,
    timeouts: { readonly dial: number; readonly response: number; readonly stall: number },
    agent: http.Agent,
    watched: WatchedExchange | undefined,
  ) {
    this.#request = request;
    this.#watched = watched;
    this.#timeouts = timeouts;
    const { url, method } = request;
    const options: https.RequestOptions = {
      method,
      agent,
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? undefined : Number(url.port),
      path: url.pathname + url.search,
      headers: { ...request.headers, ...lengthOf(request) } as http.OutgoingHttpHeaders,
    };
    watched?.request(method, url, options.headers as Readonly<Record<string, unknown>>, request.body);
    this.#wire = url.protocol === 'https:' ? https.request(options) : http.request(options);
    this.#clock = new Clock((why) => this.#wire.destroy(new Error(why)));
    this.#abort = () => this.#wire.destroy(abortFault(request.signal));
    request.signal.addEventListener('abort', this.#abort, { once: true });
    this.#wire.once('socket', (socket) => this.#watchDial(socket));
    this.#wire.on('error', ignore); // late ones, after somebody else reported the first
  }

  /** The connection had been idle and the server closed it as we wrote: nothing was processed, so once more is safe. */
  get stale(): boolean {
    const { body, signal } = this.#request;
    // A stream may have been begun, and can not be read twice.
    const repeatable = body === undefined || body instanceof Uint8Array;
    return this.#wire.reusedSocket && !this.#answered && repeatable && !signal.aborted;
  }

  async run(): Promise<HttpResponse> {
    const answer = Promise.withResolvers<http.IncomingMessage>();
    this.#wire.once('response', answer.resolve);
    this.#wire.once('error', answer.reject);
    this.#wire.once('close', () => answer.reject(new Error('connection closed')));
    answer.promise.catch(ignore); // reported below, unless the body's own failure comes first
    this.#clock.arm(this.#request.dialTimeoutMs ?? this.#timeouts.dial, 'dial timeout');
    try {
      // A server may answer (401, 413) before it has read everything: then the rest is not sent.
      const sent = this.#sendBody(answer.promise);
      const message = await Promise.race([answer.promise, sent.then(() => answer.promise)]);
      this.#answered = true;
      sent.catch(ignore);
      this.#clock.disarm();
      return this.#response(message);
    } catch (error) {
      this.#end();
      this.#wire.destroy();
      throw this.#explain(error);
    }
  }

  #watchDial(socket: Socket): void {
    const connected = () => {
      this.#stage = 'lost';
      this.#watched?.trace(this.#wire.reusedSocket ? 'connection used again' : `connected to ${socket.remoteAddress}`);
      this.#clock.arm(this.#timeouts.response, 'no answer in time');
    };
    if (this.#wire.reusedSocket || !socket.connecting) connected();
    else socket.once(this.#request.url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
  }

  async #sendBody(answer: Promise<unknown>): Promise<void> {
    const { body } = this.#request;
    if (body === undefined || body instanceof Uint8Array) {
      this.#wire.end(body);
      return;
    }
    let answered = false;
    const stop = () => {
      answered = true;
    };
    answer.then(stop, stop);
    for await (const chunk of body) {
      if (answered) return;
      if (this.#wire.write(chunk)) continue;
      this.#clock.arm(this.#timeouts.stall, 'the server takes no more of the body');
      await Promise.race([once(this.#wire, 'drain'), answer]);
      this.#clock.arm(this.#timeouts.response, 'no answer in time');
    }
    this.#wire.end();
  }

  #response(message: http.IncomingMessage): HttpResponse {
    this.#watched?.response(message.statusCode ?? 0, message.statusMessage ?? '', message.headers);
    message.on('error', ignore); // read through the iterator; unread ones must not be fatal
    const stream = () => this.#read(message);
    return {
      url: this.#request.url,
      status: message.statusCode ?? 0,
      statusText: message.statusMessage ?? '',
      headers: message.headers,
      body: stream,
      bytes: (limit) => this.#collect(stream(), limit),
      discard: async () => {
        let left = discardLimit;
        try {
          for await (const chunk of stream()) {
            left -= chunk.length;
            if (left < 0) return;
          }
        } catch (error) {
          if (this.#request.signal.aborted) throw error;
          // The connection is gone, and with it what was to be thrown away.
        }
      },
    };
  }

  async *#read(message: http.IncomingMessage): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks: AsyncIterator<Uint8Array> = message[Symbol.asyncIterator]();
    let complete = false;
    try {
      for (;;) {
        this.#clock.arm(this.#timeouts.stall, 'the server sends no more of the body');
        const next = await chunks.next();
        this.#clock.disarm(); // how long the reader takes is its own business
        if (next.done === true) break;
        this.#watched?.data(next.value);
        yield next.value;
      }
      if (!message.complete) throw new Error('the body ended early');
      complete = true;
    } catch (error) {
      throw this.#explain(error);
    } finally {
      this.#watched?.end();
      this.#end();
      if (!complete) message.destroy();
      // Answered before all was sent: the rest of the body would be taken for the next request.
      if (!this.#wire.writableEnded) this.#wire.destroy();
    }
  }

  async #collect(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      if (size > limit)
        throw fault('resource_exhausted', `answer from ${redact(this.#request.url)} is larger than ${limit} bytes`);
      parts.push(chunk);
    }
    await setImmediate(); // lets the agent take the connection back before the next request asks for one
    return Buffer.concat(parts, size);
  }

  #end(): void {
    this.#clock.disarm();
    this.#request.signal.removeEventListener('abort', this.#abort);
  }

  #explain(error: unknown): unknown {
    const { signal, method, url } = this.#request;
    if (signal.aborted) return abortFault(signal);
    const why = this.#clock.verdict ?? messageOf(error);
    this.#watched?.trace(`failed: ${why}`);
    if (error instanceof Error && 'class' in error) return error;
    return new ConnectionError(this.#stage, `${method} "${redact(url)}": ${why}`, error);
  }
}

function lengthOf(request: HttpRequest): Record<string, string> {
  const { body, bodyBytes } = request;
  if (body instanceof Uint8Array) return { 'content-length': String(body.length) };
  if (body !== undefined) return { 'content-length': String(bodyBytes) };
  return request.method === 'GET' || request.method === 'HEAD' ? {} : { 'content-length': '0' };
}

/** One timer for all phases of an exchange. */
class Clock {
  readonly #expire: (why: string) => void;
  #timer: NodeJS.Timeout | undefined;
  /** Why it struck, once it has. */
  verdict: string | undefined;

  constructor(expire: (why: string) => void) {
    this.#expire = expire;
  }

  arm(ms: number, why: string): void {
    if (this.verdict !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#strike(ms, why), ms);
  }

  disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #strike(ms: number, why: string): void {
    this.verdict = `${why} (${ms} ms)`;
    this.#expire(this.verdict);
  }
}

function ignore(): void {}
