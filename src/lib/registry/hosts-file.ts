import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { parse } from 'smol-toml';
import { invalidArgument, messageOf } from '#base/errors';
import { type Capability, everyCapability, isLocal, noTls, type RegistryHost, schemeFor } from './host.ts';
import type { TlsSettings } from './http.ts';

type Table = Readonly<Record<string, unknown>>;

/** Of what a file says, in an error about it. */
const maxShown = 256;

/**
 * Reads the text of a `hosts.toml`: its `[host."URL"]` tables in order, then the server (`server`, or the registry itself, `usual`)
 * with what stands at the top level. Certificates are read from `directory`.
 * @throws invalid_argument naming table and key; what reading a certificate throws
 */
export async function readHostsFile(
  text: string,
  usual: RegistryHost,
  directory: string,
): Promise<readonly RegistryHost[]> {
  const root = parseToml(text);
  const tables = expectTable(root.host ?? {}, 'host');
  const hosts: RegistryHost[] = [];
  for (const [url, value] of Object.entries(tables)) {
    const where = `host.${JSON.stringify(url.slice(0, maxShown))}`;
    hosts.push(await readHost(url, expectTable(value, where), where, directory));
  }
  const server = root.server;
  if (server !== undefined && typeof server !== 'string') throw wrong('server', 'a string', server);
  const last = await readServer(server ?? '', root, usual, directory);
  // A server that has a table of its own is described there; asking it a second time would only confuse its errors.
  const known = hosts.some((host) => host.host === last.host && host.scheme === last.scheme && host.path === last.path);
  return known ? hosts : [...hosts, last];
}

function parseToml(text: string): Table {
  try {
    return parse(text);
  } catch (error) {
    throw invalidArgument(messageOf(error).slice(0, 4 * maxShown), error);
  }
}

async function readServer(server: string, root: Table, usual: RegistryHost, directory: string): Promise<RegistryHost> {
  if (server !== '') return readHost(server, root, '', directory);
  return { ...usual, ...(await readSettings(root, '', directory, usual.tls)) };
}

async function readHost(url: string, table: Table, where: string, directory: string): Promise<RegistryHost> {
  const { scheme, host, path } = parseHostUrl(url, where === '' ? 'server' : where);
  const override = optional(table, 'override_path', where, 'boolean') === true;
  const versioned = override || path.endsWith('/v2') ? path : `${path}/v2`;
  const settings = await readSettings(
    table,
    where,
    directory,
    isLocal(host) && scheme === 'probe' ? { ...noTls, skipVerify: true } : noTls,
  );
  return { scheme, host, path: versioned, ...settings };
}

/** Splits `[scheme://]host[:port][/path]`. @throws invalid_argument */
export function parseHostUrl(
  text: string,
  where: string,
): { readonly scheme: RegistryHost['scheme']; readonly host: string; readonly path: string } {
  const explicit = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  let url: URL;
  try {
    url = new URL(explicit ? text : `https://${text}`);
  } catch (error) {
    throw invalidArgument(`${where}: ${JSON.stringify(text.slice(0, maxShown))} is no URL`, error);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalidArgument(
      `${where}: unsupported scheme ${JSON.stringify(url.protocol.slice(0, -1).slice(0, maxShown))}`,
    );
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalidArgument(`${where}: a host's URL has no user, query or fragment`);
  const scheme = explicit ? (url.protocol === 'http:' ? 'http' : 'https') : schemeFor(url.host);
  return { scheme, host: url.host, path: url.pathname.replace(/\/+$/, '').replace(/\/{2,}/g, '/') };
}

async function readSettings(
  table: Table,
  where: string,
  directory: string,
  tls: TlsSettings,
): Promise<Pick<RegistryHost, 'capabilities' | 'headers' | 'tls' | 'dialTimeoutMs'>> {
  const skipVerify = optional(table, 'skip_verify', where, 'boolean');
  const dialTimeout = optional(table, 'dial_timeout', where, 'string');
  return {
    capabilities: readCapabilities(table, where),
    headers: readHeaders(table, where),
    tls: {
      ca: await readCa(table, where, directory),
      clients: await readClients(table, where, directory),
      skipVerify: skipVerify === undefined ? tls.skipVerify : skipVerify === true,
    },
    ...(typeof dialTimeout === 'string'
      ? { dialTimeoutMs: parseGoDuration(dialTimeout, at(where, 'dial_timeout')) }
      : {}),
  };
}

function readCapabilities(table: Table, where: string): ReadonlySet<Capability> {
  const value = table.capabilities;
  if (value === undefined) return everyCapability;
  const key = at(where, 'capabilities');
  const capabilities = new Set<Capability>();
  for (const word of strings(value, key)) {
    if (word === 'pull' || word === 'resolve' || word === 'push') capabilities.add(word);
    else if (word !== 'referrers')
      throw invalidArgument(`${key}: unknown capability ${JSON.stringify(word.slice(0, maxShown))}`);
  }
  return capabilities;
}

function readHeaders(table: Table, where: string): Readonly<Record<string, readonly string[]>> {
  const key = at(where, 'header');
  const headers: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(expectTable(table.header ?? {}, key))) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
      throw invalidArgument(`${key}: ${JSON.stringify(name.slice(0, maxShown))} is no header`);
    const values = strings(value, `${key}.${name.slice(0, maxShown)}`);
    if (values.some((text) => /[\r\n\0]/.test(text)))
      throw invalidArgument(`${key}.${name.slice(0, maxShown)}: a header's value is one line`);
    headers[name.toLowerCase()] = values;
  }
  return headers;
}

async function readCa(table: Table, where: string, directory: string): Promise<readonly string[]> {
  if (table.ca === undefined) return [];
  return Promise.all(strings(table.ca, at(where, 'ca')).map((file) => readPem(directory, file)));
}

/** One file, a list of files that hold certificate and key, or a list of pairs `[certificate, key]`. */
async function readClients(table: Table, where: string, directory: string): Promise<TlsSettings['clients']> {
  const value = table.client;
  if (value === undefined) return [];
  const key = at(where, 'client');
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return Promise.all(
    items.map(async (item) => {
      const files = strings(item, key);
      const [certFile = '', keyFile = ''] = files;
      if (files.length > 2) throw invalidArgument(`${key}: wanted pairs of certificate and key`);
      const cert = await readPem(directory, certFile);
      return { cert, key: keyFile === '' ? cert : await readPem(directory, keyFile) };
    }),
  );
}

async function readPem(directory: string, file: string): Promise<string> {
  if (file.includes('\0')) throw invalidArgument(`${JSON.stringify(file.slice(0, maxShown))} is no name of a file`);
  return readFile(isAbsolute(file) ? file : join(directory, file), 'utf8');
}

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a duration as Go writes it: `1s`, `500ms`, `1m30s`. @throws invalid_argument */
export function parseGoDuration(text: string, where: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text))
    throw invalidArgument(`${where}: wanted a duration like "10s", got ${JSON.stringify(text.slice(0, maxShown))}`);
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(number) * (units[unit ?? ''] ?? 0);
  return total;
}

function optional(table: Table, key: string, where: string, type: 'boolean' | 'string'): unknown {
  const value = table[key];
  const name = type === 'boolean' ? 'true or false' : 'a string';
  if (value !== undefined && typeof value !== type) throw wrong(at(where, key), name, value);
  return value;
}

function strings(value: unknown, where: string): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) return value;
  throw wrong(where, 'a string or a list of strings', value);
}

function expectTable(value: unknown, where: string): Table {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Table;
  throw wrong(where, 'a table', value);
}

const at = (where: string, key: string): string => (where === '' ? key : `${where}.${key}`);

function wrong(where: string, wanted: string, got: unknown): Error {
  return invalidArgument(`${where}: wanted ${wanted}, got ${JSON.stringify(got)?.slice(0, 100)}`);
}
