import { DockerConfig, dockerConfigDirectory, serverName } from '#ops/registry/docker-config';
import { registryHost } from '#ops/registry/login';
import { localCommand } from './globals.ts';

export default (name: string, summary: string) =>
  localCommand({
    name,
    summary,
    args: '[SERVER]',
    arity: [0, 1],
    flags: {},
    run: async (_, { io, args: [server = ''] }) => {
      const config = await DockerConfig.open(dockerConfigDirectory(io.env));
      const host = registryHost(server);
      const known = await config.erase(host);
      await io.stdout.write(
        known ? `Removing login credentials for ${serverName(host)}\n` : `Not logged in to ${serverName(host)}\n`,
      );
      return 0;
    },
  });
