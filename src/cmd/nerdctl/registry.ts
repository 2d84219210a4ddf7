import type { RegistryOptions } from '#client/transfer';
import type { EngineConfig } from '#ops/engine';
import { DockerConfig, dockerConfigDirectory } from '#ops/registry/docker-config';
import type { Io } from '../cli/io.ts';

/** How transfers reach registries: as the settings say, and with what docker's logins left. */
export async function registryOptions(
  io: Io,
  { insecureRegistry, hostsDirs: [hostDir] }: Pick<EngineConfig, 'insecureRegistry' | 'hostsDirs'>,
): Promise<RegistryOptions> {
  const config = await DockerConfig.open(dockerConfigDirectory(io.env));
  return {
    credentials: config.credentialsOf,
    ...(insecureRegistry && { defaultScheme: 'http' as const }),
    ...(hostDir !== undefined && { hostDir }),
  };
}
