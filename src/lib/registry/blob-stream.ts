import { fault, messageOf } from '#base/errors';
import type { Digest } from '../digest.ts';
import { RangesIgnored } from './blob-ranges.ts';
import { everyCapability, noTls, type RegistryHost } from './host.ts';
import { combine, type HostFailure } from './host-failures.ts';
import { HostSession, type SessionOptions } from './host-session.ts';
import type { HttpResponse } from './http.ts';
import { ConnectionError, RegistryError, redact } from './registry-error.ts';
import { isLost, pause } from './retry.ts';
import { statusFault } from './status-fault.ts';

export interface BlobDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** Where else the bytes are said to be; asked without any credentials, after the registry. */
  readonly urls?: readonly string[];
}

export interface BlobStreamOptions {
  readonly sessions: readonly HostSession[];
  readonly session: SessionOptions;
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
  /** Stop before this byte; absent: at the end. Then a server that sends whole files only is RangesIgnored. */
  readonly until?: number;
}

const maxForeignUrls = 8;

/** See `Repository.blob`. A host gets new attempts as long as every one of them brings bytes. */
export async function* streamBlob(
  descriptor: BlobDescriptor,
  offset: number,
  options: BlobStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { retry, log } = options.session;
  const failures: HostFailure[] = [];
  let at = offset;
  for (const source of sourcesOf(descriptor, options)) {
    for (let fruitless = 0; ; ) {
      const before = at;
      const attempt = { answered: false };
      try {
        for await (const chunk of openAt(source, descriptor, at, { ...options, attempt })) {
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        fruitless = at > before ? 1 : fruitless + 1;
        // Without an answer the session has made all its attempts already.
        if (error instanceof RangesIgnored) throw error;
        if (!isLost(error) || !attempt.answered || fruitless >= retry.attempts) {
          if (options.signal.aborted) throw error;
          failures.push({ host: source.session.host.host, error });
          break;
        }
        log.debug('blob resumed', { digest: descriptor.digest, offset: at, error: messageOf(error) });
      }
      await pause(retry, fruitless + 1, options.signal);
    }
  }
  throw combine(failures, descriptor.digest);
}

interface Source {
  readonly session: HostSession;
  readonly target: string | URL;
}

function* sourcesOf(descriptor: BlobDescriptor, options: BlobStreamOptions): Generator<Source> {
  for (const session of options.sessions) yield { session, target: `blobs/${descriptor.digest}` };
  for (const text of (descriptor.urls ?? []).slice(0, maxForeignUrls)) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) continue;
    const stranger: RegistryHost = {
      scheme: url.protocol === 'https:' ? 'https' : 'http',
      host: url.host,
      path: '',
      capabilities: everyCapability,
      headers: {},
      tls: noTls,
    };
    url.username = '';
    url.password = '';
    const { credentials: _, ...anonymous } = options.session;
    yield { session: new HostSession(stranger, url.host, '', anonymous), target: url };
  }
}

async function* openAt(
  source: Source,
  descriptor: BlobDescriptor,
  at: number,
  options: BlobStreamOptions & { readonly attempt: { answered: boolean } },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { size, digest } = descriptor;
  const until = options.until ?? size;
  if (at >= until) return;
  const end = until === size ? '' : String(until - 1);
  const response = await source.session.request({
    method: 'GET',
    target: source.target,
    headers: {
      accept: `${descriptor.mediaType}, */*`,
      ...(at > 0 || end !== '' ? { range: `bytes=${at}-${end}` } : {}),
    },
    scopes: typeof source.target === 'string' ? options.scopes : [],
    signal: options.signal,
  });
  options.attempt.answered = true;
  if (response.status === 404) {
    await response.discard();
    throw new RegistryError(404, response.url.host, digest);
  }
  if (response.status !== 200 && response.status !== 206) throw await statusFault(response, 'GET');
  if (response.status === 200 && end !== '') {
    await response.discard();
    throw new RangesIgnored(`${response.url.host} sends whole blobs only`);
  }
  const start = await startOf(response, descriptor, at);
  let position = start;
  for await (const chunk of response.body()) {
    const fresh = position + chunk.length <= at ? undefined : chunk.subarray(Math.max(at - position, 0));
    position += chunk.length;
    if (position > size) throw wrongSize(response, descriptor, `more than ${size}`);
    if (fresh !== undefined) yield position > until ? fresh.subarray(0, fresh.length - (position - until)) : fresh;
    // Of the whole blob all is read that comes: a server that sends more than there is lies about something.
    if (position >= until && until < size) return;
  }
  if (position < until)
    throw new ConnectionError('lost', `GET "${redact(response.url)}": the body ended at byte ${position} of ${size}`);
}

/** The position of the body's first byte; checks what the headers say of sizes before anything is read. */
async function startOf(response: HttpResponse, descriptor: BlobDescriptor, at: number): Promise<number> {
  const length = response.headers['content-length'];
  let start = 0;
  if (response.status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '');
    start = Number(range?.[1] ?? Number.NaN);
    const total = range?.[3] === '*' ? descriptor.size : Number(range?.[3]);
    if (range === null || start > at || total !== descriptor.size) {
      await response.discard();
      throw wrongSize(response, descriptor, `the range ${JSON.stringify(response.headers['content-range'] ?? '')}`);
    }
  }
  // A server that ignores ranges sends all of it: what is there already is skipped.
  const promised = length === undefined ? undefined : start + Number(length);
  if (promised !== undefined && (response.status === 200 ? promised !== descriptor.size : promised > descriptor.size)) {
    await response.discard();
    throw wrongSize(response, descriptor, `${promised}`);
  }
  return start;
}

function wrongSize(response: HttpResponse, descriptor: BlobDescriptor, got: string): Error {
  const text = `${response.url.host} offers ${got} bytes for ${descriptor.digest}, which has ${descriptor.size}`;
  return fault('failed_precondition', text);
}
