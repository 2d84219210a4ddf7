import { readFile } from 'node:fs/promises';
import type { Log } from '#base/log';
import type { RegistryEnd } from '#core/transfer/transfer';
import type { Reference } from '#lib/reference';
import { defaultHost, type RegistryHost, type RegistryHosts, serverOf } from '#lib/registry/host';
import { HostSession } from '#lib/registry/host-session';
import { hostsFromDirectories } from '#lib/registry/hosts-directory';
import { HttpClient, type HttpOptions, type ProxySettings } from '#lib/registry/http';
import type { HttpWatch } from '#lib/registry/http-watch';
import { hostsFromMirrors, type MirrorTables } from '#lib/registry/mirrors';
import { Repository } from '#lib/registry/repository';
import { defaultRetry, type RetryPolicy } from '#lib/registry/retry';
import { statusFault } from '#lib/registry/status-fault';

export interface RegistriesOptions {
  /** `certs.d` directories. */
  readonly directories: readonly string[];
  readonly mirrors: MirrorTables;
  readonly userAgent: string;
  readonly retry?: RetryPolicy;
  readonly proxy?: ProxySettings;
  readonly timeouts?: Pick<HttpOptions, 'dialTimeoutMs' | 'responseTimeoutMs' | 'stallTimeoutMs'>;
  readonly log: Log;
}

/** Something to ask besides what repositories answer. */
export interface Question {
  readonly path: string;
  readonly target: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const maxAnswerBytes = 4 << 20;

/** Where this system keeps the certificates it trusts, by distribution. */
const rootBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** All registries, as the daemon is configured to reach them. Connections are shared between transfers, credentials are not. */
export class Registries implements Disposable {
  readonly #options: RegistriesOptions;
  #http: Promise<HttpClient> | undefined;

  constructor(options: RegistriesOptions) {
    this.#options = options;
  }

  /** The repository of a reference, as one transfer sees it. */
  async open(end: RegistryEnd, reference: Reference): Promise<Repository> {
    const { log, userAgent, retry = defaultRetry } = this.#options;
    const hosts = (await this.#hostsFor(end)(reference.host)).map((host) => adapt(host, reference.host, end));
    return new Repository({ registry: reference.host, path: reference.repository }, hosts, {
      http: end.watch === undefined ? await this.#client() : await this.#newClient(end.watch),
      userAgent,
      retry,
      log,
      ...(end.credentials === undefined ? {} : { credentials: end.credentials }),
    });
  }

  /** Asks a registry whether it lets in who asks. @throws unauthenticated; what reaching it throws */
  async greet(end: RegistryEnd, registry: string, signal: AbortSignal): Promise<void> {
    await this.ask(end, registry, { path: 'v2', target: '', signal });
  }

  /** What a registry's own host answers below a path. @throws RegistryError for anything but a 200; what reaching it throws */
  async ask(end: RegistryEnd, registry: string, question: Question): Promise<Buffer> {
    const { log, userAgent } = this.#options;
    const hosts = await this.#hostsFor(end)(registry);
    const own = hosts.find(({ host }) => host === serverOf(registry)) ?? hosts[0] ?? defaultHost(registry);
    // What is not docker's to rename has its own name.
    const host = { ...own, path: '', ...(registry.startsWith('index.') && { host: registry }) };
    const session = new HostSession(host, host.host, question.path, {
      http: await this.#client(),
      userAgent,
      retry: { ...defaultRetry, attempts: 2 },
      log,
      credentials: end.credentials,
    });
    const { target, query = {}, signal } = question;
    const response = await session.request({ method: 'GET', target, query, scopes: [], signal });
    if (response.status !== 200) throw await statusFault(response, 'GET', `request to ${registry}`);
    return response.bytes(maxAnswerBytes);
  }

  [Symbol.dispose](): void {
    this.#http?.then((http) => http[Symbol.dispose]());
  }

  #hostsFor({ hostDir = '', defaultScheme }: RegistryEnd): RegistryHosts {
    const { directories, mirrors } = this.#options;
    return hostsFromDirectories(hostDir === '' ? directories : [hostDir], {
      onProblem: (text) => this.#report(text),
      ...(hostDir === '' && { otherwise: hostsFromMirrors(mirrors, defaultScheme) }),
      ...(defaultScheme !== undefined && { defaultScheme }),
    });
  }

  #report(text: string): void {
    this.#options.log.warn('registry configuration cannot be used', { error: text });
  }

  #client(): Promise<HttpClient> {
    this.#http ??= this.#newClient();
    return this.#http;
  }

  /** One that is listened to is a transfer's own, and keeps no connection. */
  async #newClient(watch?: HttpWatch): Promise<HttpClient> {
    const { proxy, timeouts } = this.#options;
    const roots = await systemRoots();
    return new HttpClient({
      ...timeouts,
      ...(roots !== undefined && { roots }),
      ...(proxy !== undefined && { proxy }),
      ...(watch !== undefined && { watch }),
    });
  }
}

/** What the caller asks for counts for the registry itself, not for its mirrors. */
function adapt(host: RegistryHost, registry: string, end: RegistryEnd): RegistryHost {
  if (host.host !== serverOf(registry)) return host;
  const asked = Object.entries(end.headers ?? {}).map(([name, value]) => [name.toLowerCase(), [value]]);
  return { ...host, headers: { ...host.headers, ...Object.fromEntries(asked) } };
}

async function systemRoots(): Promise<readonly string[] | undefined> {
  for (const path of rootBundles) {
    const text = await readFile(path, 'utf8').catch(() => undefined); // another distribution's place
    if (text !== undefined) return [text];
  }
  return undefined;
}

/** The environment's proxies, in either spelling; `undefined` where it names none. */
export function proxyFrom(environment: Readonly<Record<string, string | undefined>>): ProxySettings | undefined {
  const value = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  const [plain, secure, except] = [value('HTTP_PROXY'), value('HTTPS_PROXY'), value('NO_PROXY')];
  if (plain === undefined && secure === undefined) return undefined;
  return {
    ...(plain !== undefined && { HTTP_PROXY: plain }),
    ...(secure !== undefined && { HTTPS_PROXY: secure }),
    ...(except !== undefined && { NO_PROXY: except }),
  };
}
