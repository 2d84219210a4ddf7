import { fault, wrap } from '#base/errors';
import { type Challenge, parseChallenges } from './challenge.ts';
import { basic, type Credentials, type CredentialsOf } from './credentials.ts';
import type { RegistryHost } from './host.ts';
import { RegistryError, redact } from './registry-error.ts';
import type { Requester } from './token.ts';
import { fetchToken } from './token.ts';

/** A challenge that Berth can answer, as the host last put it. */
type Demand =
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'bearer';
      readonly realm: URL;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

interface HeldToken {
  readonly token: string;
  readonly expiresAt: number;
}

/**
 * Convinces one host. Starts without anything to show, learns from the host's 401 what it wants, and keeps tokens per set of
 * scopes until they expire. Credentials are asked for once; they go to this host, or to the token server it names.
 */
export class Authorizer {
  readonly #host: RegistryHost;
  readonly #credentialsOf: CredentialsOf | undefined;
  readonly #requester: Requester;
  #credentials: Promise<Credentials | undefined> | undefined;
  #demand: Demand | undefined;
  readonly #tokens = new Map<string, Promise<HeldToken>>();
  /** Scopes as the host itself words them, by ours: behind a mirror's path prefix the repository has another name. */
  readonly #worded = new Map<string, string>();

  constructor(host: RegistryHost, credentialsOf: CredentialsOf | undefined, requester: Requester) {
    this.#host = host;
    this.#credentialsOf = credentialsOf;
    this.#requester = requester;
  }

  /** What to send as `Authorization` for these scopes; `undefined` while the host has not asked. May fetch a token. */
  async header(scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const demand = this.#demand;
    if (demand === undefined) return undefined;
    const credentials = await this.#credentials;
    if (credentials !== undefined && 'header' in credentials) return credentials.header;
    if (demand.scheme === 'bearer') return `Bearer ${await this.#token(demand, scopes, credentials, signal)}`;
    return credentials !== undefined && 'user' in credentials
      ? basic(credentials.user, credentials.password)
      : undefined;
  }

  /**
   * Takes in a 401. True when it is worth trying again: the demand is new, or what was shown has been renewed.
   * `shown`: the header that was refused.
   */
  async challenged(
    header: string | readonly string[] | undefined,
    url: URL,
    scopes: readonly string[],
    shown: string | undefined,
  ): Promise<boolean> {
    const demand = this.#understand(parseChallenges(header), url);
    if (demand === undefined) return false;
    this.#credentials ??= this.#ask(typeof header === 'string' ? header : (header ?? []).join(', '));
    const credentials = await this.#credentials;
    const first = this.#demand?.scheme !== demand.scheme;
    this.#demand = demand;
    if (demand.scheme === 'basic') return credentials !== undefined && (first || shown === undefined);
    if (demand.scope !== undefined) this.#worded.set(keyOf(scopes), demand.scope);
    if (shown !== undefined) this.#tokens.delete(keyOf(scopes)); // refused: expired, or too narrow
    return true;
  }

  #understand(challenges: readonly Challenge[], url: URL): Demand | undefined {
    const bearer = challenges.find(
      (challenge) => challenge.scheme === 'bearer' && challenge.parameters.realm !== undefined,
    );
    if (bearer !== undefined) {
      const { realm = '', service, scope } = bearer.parameters;
      return { scheme: 'bearer', realm: realmUrl(realm, url), service, scope };
    }
    return challenges.some((challenge) => challenge.scheme === 'basic') ? { scheme: 'basic' } : undefined;
  }

  async #ask(challenge: string): Promise<Credentials | undefined> {
    const given = await this.#credentialsOf?.(this.#host.host, challenge);
    return given ?? this.#host.credentials;
  }

  async #token(
    demand: Extract<Demand, { scheme: 'bearer' }>,
    scopes: readonly string[],
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const key = keyOf(scopes);
    for (;;) {
      let pending = this.#tokens.get(key);
      if (pending === undefined) {
        const worded = this.#worded.get(key)?.split(' ') ?? [];
        const wanted = [...new Set([...worded, ...scopes])].filter((scope) => scope !== '');
        pending = fetchToken({ ...demand, scopes: wanted, credentials, signal }, this.#requester);
        this.#tokens.set(key, pending);
        pending.catch(() => this.#tokens.delete(key));
      }
      const held = await pending.catch((error: unknown) => {
        throw error instanceof RegistryError ? error : wrap(error, 'failed to authorize');
      });
      if (held.expiresAt > Date.now()) return held.token;
      if (this.#tokens.get(key) === pending) this.#tokens.delete(key);
    }
  }
}

const keyOf = (scopes: readonly string[]): string => [...scopes].sort().join(' ');

/** A registry reached over TLS may not send us with our password to a token server that is not. */
function realmUrl(realm: string, from: URL): URL {
  let url: URL;
  try {
    url = new URL(realm);
  } catch (error) {
    throw fault('invalid_argument', `${from.host} names an invalid token server`, error);
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && from.protocol === 'http:'))
    throw fault('permission_denied', `${from.host} names the token server ${redact(url)}, which is not safe to use`);
  url.hash = '';
  return url;
}
