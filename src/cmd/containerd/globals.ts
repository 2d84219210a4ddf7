import { commandsFor } from '#cmd/cli/command';
import { text, type Values } from '#cmd/cli/flags';

export const defaultConfigPath = '/etc/containerd/config.toml';

/** The flags before the command. */
export const globals = {
  config: text('path to the configuration file', { alias: 'c', default: defaultConfigPath }),
  'log-level': text('set the logging level [trace, debug, info, warn, error, fatal, panic]', { alias: 'l' }),
  address: text("address for containerd's GRPC server", { alias: 'a' }),
  root: text('containerd root directory'),
  state: text('containerd state directory'),
} as const;

export type Globals = Values<typeof globals>;

export const defineCommand = commandsFor<typeof globals>();
