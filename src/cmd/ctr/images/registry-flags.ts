import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { invalidArgument } from '#base/errors';
import type { RegistryOptions } from '#client/transfer';
import { parseReference } from '#lib/reference';
import type { Credentials } from '#lib/registry/credentials';
import { flag, text, type Values } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { readPassword } from './password.ts';

/** Flags of everything that talks to a registry. */
export const registryFlags = {
  'skip-verify': flag('skip SSL certificate validation', { alias: 'k' }),
  'plain-http': flag('allow connections using plain HTTP'),
  user: text('user[:password] Registry user and password', { alias: 'u' }),
  refresh: text('refresh token for authorization server'),
  'hosts-dir': text('Custom hosts configuration directory'),
  tlscacert: text('path to TLS root CA'),
  tlscert: text('path to TLS client certificate'),
  tlskey: text('path to TLS client key'),
  'http-dump': flag('dump all HTTP request/responses when interacting with container registry, on standard error'),
  'http-trace': flag('enable HTTP tracing for registry interactions, on standard error'),
};

/**
 * What the flags say of the registry. Certificates and the like become a hosts directory of their own for this one call: the daemon
 * reads it, so it must be on the daemon's machine, as are all paths that ctr names. Dispose it after the call.
 */
export async function registryOptions(
  io: Io,
  reference: string,
  flags: Values<typeof registryFlags>,
): Promise<RegistryOptions & AsyncDisposable> {
  const { host } = parseReference(reference);
  const own = await ownHostsDir(io, host, flags);
  const secret = await secretOf(io, flags);
  return {
    ...(secret === undefined
      ? {}
      : { credentials: async (asked: string) => (belongs(asked, host) ? secret : undefined) }),
    ...(flags['hosts-dir'] === '' ? {} : { hostDir: resolve(io.cwd, flags['hosts-dir']) }),
    ...(own === undefined ? {} : { hostDir: own }),
    ...(flags['plain-http'] ? { defaultScheme: 'http' as const } : {}),
    ...watchOf(io, flags),
    [Symbol.asyncDispose]: async () => (own === undefined ? undefined : rm(own, { recursive: true, force: true })),
  };
}

function watchOf(io: Io, flags: Values<typeof registryFlags>): Pick<RegistryOptions, 'watch'> {
  const [dump, trace] = [flags['http-dump'], flags['http-trace']];
  if (!dump && !trace) return {};
  // A reader that has gone is no reason to end the transfer.
  return { watch: { dump, trace, say: (text) => void io.stderr.write(text).catch(() => {}) } };
}

const belongs = (asked: string, host: string): boolean =>
  asked === host || (host === 'docker.io' && asked === 'registry-1.docker.io');

async function secretOf(io: Io, flags: Values<typeof registryFlags>): Promise<Credentials | undefined> {
  if (flags.user === '') return flags.refresh === '' ? undefined : { identityToken: flags.refresh };
  const at = flags.user.indexOf(':');
  if (at >= 0) return { user: flags.user.slice(0, at), password: flags.user.slice(at + 1) };
  return { user: flags.user, password: await readPassword(io) };
}

async function ownHostsDir(io: Io, host: string, flags: Values<typeof registryFlags>): Promise<string | undefined> {
  const { tlscacert, tlscert, tlskey } = flags;
  if (!flags['skip-verify'] && tlscacert === '' && tlscert === '' && tlskey === '') return undefined;
  if (flags['hosts-dir'] !== '')
    throw invalidArgument('hosts-dir cannot be used together with skip-verify or tls flags');
  if ((tlscert === '') !== (tlskey === '')) throw invalidArgument('tlscert and tlskey must be given together');
  for (const path of [tlscacert, tlscert, tlskey]) if (path !== '') await readFile(resolve(io.cwd, path));
  const quote = (path: string) => JSON.stringify(resolve(io.cwd, path));
  const scheme = flags['plain-http'] ? 'http' : 'https';
  const server = `${scheme}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`;
  const lines = [
    `server = ${JSON.stringify(server)}`,
    `[host.${JSON.stringify(server)}]`,
    '  capabilities = ["pull", "resolve", "push"]',
    ...(flags['skip-verify'] ? ['  skip_verify = true'] : []),
    ...(tlscacert === '' ? [] : [`  ca = ${quote(tlscacert)}`]),
    ...(tlscert === '' ? [] : [`  client = [[${quote(tlscert)}, ${quote(tlskey)}]]`]),
  ];
  const directory = await mkdtemp(join(tmpdir(), 'ctr-hosts-'));
  await mkdir(join(directory, host));
  await writeFile(join(directory, host, 'hosts.toml'), `${lines.join('\n')}\n`, { mode: 0o600 });
  return directory;
}
