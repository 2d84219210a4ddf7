import { silent } from '#base/log';
import type { RegistryOptions } from '#client/transfer';
import type { Scope } from '#core/scope';
import { parseReference } from '#lib/reference';
import type { DockerConfig } from './docker-config.ts';

export interface LoginOptions {
  /** A host, with or without a scheme before it; empty: docker's own. */
  readonly server: string;
  readonly user: string;
  readonly password: string;
  /** How to reach it. */
  readonly registry?: RegistryOptions;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The host that a user means. @throws invalid_argument for what is none */
export const registryHost = (server: string): string =>
  parseReference(server.replace(/^https?:\/\//, '').replace(/\/.*$/, '') || 'docker.io').host;

/** Asks a registry whether it takes the password, and keeps it. @throws unauthenticated; what reaching it throws */
export async function login(
  { signal }: Scope,
  config: DockerConfig,
  { server, user, password, registry = {}, environment }: LoginOptions,
): Promise<void> {
  const host = registryHost(server);
  const { clientRegistries } = await import('#client/local-transfer');
  using registries = clientRegistries(environment, silent);
  const credentials = async () => ({ user, password });
  await registries.greet({ ...registry, reference: host, credentials }, host, signal);
  await config.store(host, { user, password });
}
