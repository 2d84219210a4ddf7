import { fault } from '#base/errors';
import type { BlobDescriptor } from './blob-stream.ts';
import type { HostSession } from './host-session.ts';
import type { HttpResponse } from './http.ts';
import { isLost, isPassing, pause, type RetryPolicy } from './retry.ts';
import { statusFault } from './status-fault.ts';

/** Opens the blob's bytes from an offset on; called again when an upload has to go back. */
export type BlobSource = (offset: number) => AsyncIterable<Uint8Array>;

export type UploadResult = 'exists' | 'mounted' | 'uploaded';

export interface UploadOptions {
  readonly scopes: readonly string[];
  readonly mountFrom: string | undefined;
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal;
}

/** Up to this size a blob goes in the same request that finishes the upload. */
const monolithicBytes = 8 * 1024 * 1024;
/** For servers that refuse large requests. */
const chunkBytes = 16 * 1024 * 1024;

/** The upload of one blob to one host: small blobs in one PUT, large ones by PATCH, taken up again where the server says it stopped. */
export class Upload {
  readonly #session: HostSession;
  readonly #descriptor: BlobDescriptor;
  readonly #source: BlobSource;
  readonly #options: UploadOptions;
  /** Where the upload goes on; `undefined` before it began or when it must begin anew. */
  #location: URL | undefined;
  #offset = 0;
  #chunk = Number.POSITIVE_INFINITY;

  constructor(session: HostSession, descriptor: BlobDescriptor, source: BlobSource, options: UploadOptions) {
    this.#session = session;
    this.#descriptor = descriptor;
    this.#source = source;
    this.#options = options;
  }

  async run(): Promise<UploadResult> {
    if (await this.#exists()) return 'exists';
    const { retry, signal } = this.#options;
    for (let fruitless = 0; ; ) {
      const before = this.#offset;
      let retryAfter: string | undefined;
      try {
        if (this.#location === undefined && (await this.#begin())) return 'mounted';
        const refused = await this.#send();
        if (refused === undefined) return 'uploaded';
        fruitless = this.#offset > before ? 1 : fruitless + 1;
        retryAfter = refused.headers['retry-after'];
        if (fruitless >= retry.attempts) throw await statusFault(refused, 'PUT');
        await this.#prepareAgain(refused);
      } catch (error) {
        fruitless = this.#offset > before ? 1 : fruitless + 1;
        if (!isLost(error) || fruitless >= retry.attempts) throw error;
        await this.#findOffset();
      }
      await pause(retry, fruitless + 1, signal, retryAfter);
    }
  }

  async #exists(): Promise<boolean> {
    const response = await this.#request('HEAD', `blobs/${this.#descriptor.digest}`);
    if (response.status === 404) {
      await response.discard();
      return false;
    }
    if (response.status !== 200) throw await statusFault(response, 'HEAD');
    await response.discard();
    return true;
  }

  /** True when the blob could be mounted and nothing needs to be sent. */
  async #begin(): Promise<boolean> {
    const { mountFrom } = this.#options;
    const query = mountFrom === undefined ? undefined : { mount: this.#descriptor.digest, from: mountFrom };
    let response = await this.#request('POST', 'blobs/uploads/', query);
    // Who may not read the other repository can still upload.
    if (query !== undefined && (response.status === 401 || response.status === 403 || response.status === 404)) {
      await response.discard();
      response = await this.#request('POST', 'blobs/uploads/');
    }
    if (response.status === 201) {
      await response.discard();
      return true;
    }
    if (response.status !== 202) throw await statusFault(response, 'POST');
    await response.discard();
    this.#offset = 0;
    this.#moveTo(response);
    return false;
  }

  /** Sends the rest. `undefined` when the blob is stored, else the answer that refused it. @throws ConnectionError */
  async #send(): Promise<HttpResponse | undefined> {
    const { size, digest } = this.#descriptor;
    const whole = size <= monolithicBytes && this.#offset === 0;
    if (!whole) {
      while (this.#offset < size) {
        const end = Math.min(size, this.#offset + this.#chunk);
        const response = await this.#patch(end);
        if (response.status !== 202 && response.status !== 204) return this.#examine(response);
        await response.discard();
        this.#moveTo(response);
        this.#offset = end;
      }
    }
    const response = await this.#session.request({
      method: 'PUT',
      target: this.#finalUrl(),
      headers: { 'content-type': 'application/octet-stream' },
      ...(whole ? { body: this.#source(0), bodyBytes: size } : {}),
      scopes: this.#options.scopes,
      signal: this.#options.signal,
    });
    if (response.status !== 201 && response.status !== 204 && response.status !== 200) return this.#examine(response);
    await response.discard();
    const stored = response.headers['docker-content-digest'];
    if (typeof stored === 'string' && stored !== digest)
      throw fault('failed_precondition', `registry stored blob ${digest} as ${stored.slice(0, 200)}`);
    return undefined;
  }

  #patch(end: number): Promise<HttpResponse> {
    const from = this.#offset;
    return this.#session.request({
      method: 'PATCH',
      target: this.#url(),
      headers: { 'content-type': 'application/octet-stream', 'content-range': `${from}-${end - 1}` },
      body: take(this.#source(from), end - from),
      bodyBytes: end - from,
      scopes: this.#options.scopes,
      signal: this.#options.signal,
    });
  }

  /** Lets through what another attempt may mend. */
  async #examine(response: HttpResponse): Promise<HttpResponse> {
    const tooLarge = response.status === 413 && this.#chunk > chunkBytes;
    const again = response.status === 401 || response.status === 404 || response.status === 416 || tooLarge;
    if (again || isPassing(response.status)) return response;
    throw await statusFault(response, this.#offset < this.#descriptor.size ? 'PATCH' : 'PUT');
  }

  async #prepareAgain(refused: HttpResponse): Promise<void> {
    await refused.discard();
    if (refused.status === 413) this.#chunk = chunkBytes;
    if (refused.status === 404) this.#location = undefined;
    else await this.#findOffset();
  }

  /** Asks how far the upload got; where the server does not say, it begins anew. */
  async #findOffset(): Promise<void> {
    const location = this.#location;
    this.#location = undefined;
    this.#offset = 0;
    if (location === undefined) return;
    const response = await this.#session.request({
      method: 'GET',
      target: location,
      scopes: this.#options.scopes,
      signal: this.#options.signal,
    });
    await response.discard();
    const range = /^(?:bytes=)?0-(\d+)$/.exec(String(response.headers.range ?? ''));
    if (response.status !== 204 || range === null) return;
    const received = Number(range[1]) + 1;
    if (received > this.#descriptor.size) return;
    this.#location = location;
    this.#moveTo(response);
    // `0-0` is also what servers say of an upload that holds nothing.
    this.#offset = received === 1 ? 0 : received;
    if (received === 1) this.#location = undefined;
  }

  #moveTo(response: HttpResponse): void {
    const { location } = response.headers;
    if (location !== undefined) this.#location = this.#session.resolve(location, response.url);
    else if (this.#location === undefined)
      throw fault('unknown', `${response.url.host} began an upload without saying where it goes on`);
  }

  #url(): URL {
    if (this.#location === undefined) throw fault('internal', 'upload has not begun');
    return this.#location;
  }

  #finalUrl(): URL {
    const url = new URL(this.#url());
    // Not through searchParams: that would spell the rest of the query anew, and some servers sign it.
    url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(this.#descriptor.digest)}`;
    return url;
  }

  #request(method: string, target: string, query?: Readonly<Record<string, string>>): Promise<HttpResponse> {
    const { scopes, signal } = this.#options;
    return this.#session.request({ method, target, scopes, signal, ...(query === undefined ? {} : { query }) });
  }
}

async function* take(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const chunk of source) {
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
    if (left === 0) return;
  }
  throw fault('data_loss', `blob ends ${left} bytes early`);
}
