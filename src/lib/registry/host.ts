import type { Credentials } from './credentials.ts';
import type { TlsSettings } from './http.ts';

export type Capability = 'pull' | 'resolve' | 'push';

/** One server that may be asked about a registry's repositories: the registry itself or a mirror of it. */
export interface RegistryHost {
  /** `probe`: plain HTTP unless the server turns out to speak TLS only; for this machine's own registries, and where anything will do. */
  readonly scheme: 'http' | 'https' | 'probe';
  /** `host[:port]` as in a URL. */
  readonly host: string;
  /** What comes before `/<repository>/…`: `/v2`, unless configured otherwise. */
  readonly path: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Sent with every request to this host, and to no other. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly tls: TlsSettings;
  readonly dialTimeoutMs?: number;
  /** From the configuration; used where the caller has none for this host. */
  readonly credentials?: Credentials;
}

/** The hosts to ask about a registry (`docker.io`, `localhost:5000`), in order. Read anew for every transfer. */
export type RegistryHosts = (registry: string) => Promise<readonly RegistryHost[]>;

export const everyCapability: ReadonlySet<Capability> = new Set<Capability>(['pull', 'resolve', 'push']);
export const noTls: TlsSettings = { ca: [], clients: [], skipVerify: false };

/** The server behind a registry's name; only Docker's differ. */
export function serverOf(registry: string): string {
  return registry === 'docker.io' || registry === 'index.docker.io' ? 'registry-1.docker.io' : registry;
}

/** True for names and addresses of this very machine, with or without a port. */
export function isLocal(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    name === '::1' ||
    /^127(?:\.\d{1,3}){3}$/.test(name)
  );
}

/** The scheme to use where nobody said one. */
export function schemeFor(host: string): RegistryHost['scheme'] {
  if (!isLocal(host) || host.endsWith(':443')) return 'https';
  return host.endsWith(':80') ? 'http' : 'probe';
}

/** How a registry is reached that nothing is said of; `probe`: as it speaks, and whatever its certificate says. */
export type DefaultScheme = 'http' | 'https' | 'probe';

/** What such a wish means for the registry's own server. */
export function hostOver(scheme: DefaultScheme | undefined): Partial<RegistryHost> {
  if (scheme === undefined) return {};
  return scheme === 'probe' ? { scheme, tls: { ...noTls, skipVerify: true } } : { scheme };
}

/** The registry's own server with nothing configured. */
export function defaultHost(registry: string, overrides: Partial<RegistryHost> = {}): RegistryHost {
  const host = serverOf(registry);
  return {
    scheme: schemeFor(host),
    host,
    path: '/v2',
    capabilities: everyCapability,
    headers: {},
    tls: isLocal(host) ? { ...noTls, skipVerify: true } : noTls,
    ...overrides,
  };
}
