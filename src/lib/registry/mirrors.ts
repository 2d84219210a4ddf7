import { readFile } from 'node:fs/promises';
import { invalidArgument } from '#base/errors';
import type { Credentials } from './credentials.ts';
import {
  type DefaultScheme,
  defaultHost,
  everyCapability,
  hostOver,
  isLocal,
  noTls,
  type RegistryHost,
  type RegistryHosts,
} from './host.ts';
import { parseHostUrl } from './hosts-file.ts';
import type { TlsSettings } from './http.ts';

/** The older tables of `config.toml`: `registry.mirrors."docker.io"`, `registry.configs."host"`, `registry.headers`. */
export interface MirrorTables {
  readonly mirrors?: Readonly<Record<string, { readonly endpoint?: readonly string[] }>>;
  readonly configs?: Readonly<Record<string, MirrorConfig>>;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}

export interface MirrorConfig {
  readonly auth?: {
    readonly username?: string;
    readonly password?: string;
    /** Base64 of `user:password`. */
    readonly auth?: string;
    readonly identitytoken?: string;
  };
  readonly tls?: {
    readonly insecure_skip_verify?: boolean;
    readonly ca_file?: string;
    readonly cert_file?: string;
    readonly key_file?: string;
  };
}

/** Hosts from those tables: the endpoints of the registry (or of `*`) in order, then the registry itself. @throws invalid_argument */
export function hostsFromMirrors(tables: MirrorTables, defaultScheme?: DefaultScheme): RegistryHosts {
  return async (registry) => {
    const endpoints = (tables.mirrors?.[registry] ?? tables.mirrors?.['*'])?.endpoint ?? [];
    const hosts: RegistryHost[] = [];
    for (const endpoint of endpoints) hosts.push(await mirrorHost(endpoint, registry, tables));
    const itself = defaultHost(registry, hostOver(defaultScheme));
    if (!hosts.some((known) => known.host === itself.host))
      hosts.push({ ...itself, ...(await configured(itself, tables, itself.tls)) });
    return hosts;
  };
}

async function mirrorHost(endpoint: string, registry: string, tables: MirrorTables): Promise<RegistryHost> {
  const { scheme, host, path } = parseHostUrl(endpoint, `registry.mirrors.${JSON.stringify(registry)}`);
  const bare: RegistryHost = {
    scheme,
    host,
    path: path === '' ? '/v2' : path,
    capabilities: everyCapability,
    headers: {},
    tls: noTls,
  };
  return { ...bare, ...(await configured(bare, tables, isLocal(host) ? { ...noTls, skipVerify: true } : noTls)) };
}

async function configured(
  host: RegistryHost,
  tables: MirrorTables,
  usual: TlsSettings,
): Promise<Partial<RegistryHost>> {
  const config = tables.configs?.[host.host];
  const credentials = credentialsOf(config, host.host);
  const tls = config?.tls;
  return {
    headers: lowerCase(tables.headers ?? {}),
    tls: tls === undefined ? usual : await readTls(tls, host.host),
    ...(tls !== undefined && host.scheme === 'probe' ? { scheme: 'https' as const } : {}),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

async function readTls(tls: NonNullable<MirrorConfig['tls']>, host: string): Promise<TlsSettings> {
  const cert = tls.cert_file ?? '';
  const key = tls.key_file ?? '';
  if ((cert === '') !== (key === ''))
    throw invalidArgument(`registry.configs.${JSON.stringify(host)}.tls: cert_file and key_file go together`);
  return {
    ca: tls.ca_file === undefined || tls.ca_file === '' ? [] : [await readFile(tls.ca_file, 'utf8')],
    clients: cert === '' ? [] : [{ cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }],
    skipVerify: tls.insecure_skip_verify === true,
  };
}

function credentialsOf(config: MirrorConfig | undefined, host: string): Credentials | undefined {
  const auth = config?.auth;
  if (auth === undefined) return undefined;
  if (auth.identitytoken !== undefined && auth.identitytoken !== '') return { identityToken: auth.identitytoken };
  if (auth.username !== undefined && auth.username !== '')
    return { user: auth.username, password: auth.password ?? '' };
  if (auth.auth === undefined || auth.auth === '') return undefined;
  const decoded = Buffer.from(auth.auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0)
    throw invalidArgument(`registry.configs.${JSON.stringify(host)}.auth.auth: wanted base64 of user:password`);
  return { user: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

function lowerCase(headers: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(headers).map(([name, values]) => [name.toLowerCase(), values]));
}
