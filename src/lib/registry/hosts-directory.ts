import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault, messageOf, wrap } from '#base/errors';
import { type DefaultScheme, defaultHost, hostOver, type RegistryHosts } from './host.ts';
import { readHostsFile } from './hosts-file.ts';
import type { TlsSettings } from './http.ts';

export interface HostsDirectoryOptions {
  /** Told of a file that could not be used, with its path; the registry's certificate files are used instead. */
  readonly onProblem: (text: string) => void;
  /** For registries without configuration. Absent: the registry itself. */
  readonly otherwise?: RegistryHosts;
  /** For the registry itself, where its file does not say how to reach it. */
  readonly defaultScheme?: DefaultScheme;
}

/**
 * Hosts from `certs.d` directories: for each registry the first of `<host>_<port>_`, `<host>:<port>` and `_default` that exists in
 * one of `roots`, and in it `hosts.toml`, or, as Docker has it, `*.crt` to trust and pairs of `*.cert` and `*.key` to show.
 * Files are read at every call, so that changes need no restart.
 */
export function hostsFromDirectories(roots: readonly string[], options: HostsDirectoryOptions): RegistryHosts {
  const scheme = hostOver(options.defaultScheme);
  const otherwise = options.otherwise ?? (async (registry: string) => [defaultHost(registry, scheme)]);
  return async (registry) => {
    const directory = (await hostsDirectoryOf(roots, registry))?.path;
    if (directory === undefined) return otherwise(registry);
    const file = join(directory, 'hosts.toml');
    const text = await readIfThere(file);
    if (text !== undefined) {
      try {
        return await readHostsFile(text, defaultHost(registry, scheme), directory);
      } catch (error) {
        options.onProblem(`${file}: ${messageOf(error)}`);
      }
    }
    const tls = await readDockerCertificates(directory);
    if (tls === undefined) return otherwise(registry);
    const usual = defaultHost(registry, { ...scheme, tls });
    // Whoever gives a local registry certificates means TLS.
    return [usual.scheme === 'probe' ? { ...usual, scheme: 'https' } : usual];
  };
}

/** Where the first of `roots` keeps what it says of a registry; undefined when none says anything. */
export async function hostsDirectoryOf(
  roots: readonly string[],
  registry: string,
): Promise<{ readonly root: string; readonly path: string } | undefined> {
  const port = /^(.+):(\d+)$/.exec(registry);
  const names = [...(port === null ? [] : [`${port[1]}_${port[2]}_`]), registry, '_default'];
  if (names.some((name) => name.includes('/') || name === '.' || name === '..')) return undefined;
  for (const root of roots) {
    for (const name of names) {
      const path = join(root, name);
      const info = await stat(path).catch((error: unknown) => {
        if (isFault(error, 'not_found') || notADirectory(error)) return undefined;
        throw wrap(error, 'registry configuration');
      });
      if (info?.isDirectory() === true) return { root, path };
    }
  }
  return undefined;
}

function notADirectory(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isFault(error, 'not_found')) return undefined;
    throw error;
  }
}

async function readDockerCertificates(directory: string): Promise<TlsSettings | undefined> {
  const names = (await readdir(directory)).sort();
  const ca = names.filter((name) => name.endsWith('.crt'));
  const certs = names.filter((name) => name.endsWith('.cert') && names.includes(name.replace(/cert$/, 'key')));
  if (ca.length === 0 && certs.length === 0) return undefined;
  const read = (name: string) => readFile(join(directory, name), 'utf8');
  return {
    ca: await Promise.all(ca.map(read)),
    clients: await Promise.all(
      certs.map(async (name) => ({ cert: await read(name), key: await read(name.replace(/cert$/, 'key')) })),
    ),
    skipVerify: false,
  };
}
