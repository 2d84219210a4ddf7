import { resolve } from 'node:path';
import type { RegistryOptions } from '#client/transfer';
import { hostsDirectoryOf } from '#lib/registry/hosts-directory';
import type { EngineConfig } from '#ops/engine';
import { DockerConfig, dockerConfigDirectory } from '#ops/registry/docker-config';
import type { Io } from '../cli/io.ts';

/** How a transfer reaches a registry (`docker.io`): as the settings say, and with what docker's logins left. */
export async function registryOptions(
  io: Io,
  { insecureRegistry, hostsDirs }: Pick<EngineConfig, 'insecureRegistry' | 'hostsDirs'>,
  registry: string,
): Promise<RegistryOptions> {
  const config = await DockerConfig.open(dockerConfigDirectory(io.env));
  const named = hostsDirs.map((directory) => resolve(io.cwd, directory));
  // The daemon takes one directory: the first that says something of this registry. Where none does, it is not to use its own either.
  const hostDir = (await hostsDirectoryOf(named, registry))?.root ?? named[0];
  return {
    credentials: config.credentialsOf,
    ...(insecureRegistry && { defaultScheme: 'probe' as const }),
    ...(hostDir !== undefined && { hostDir }),
  };
}
