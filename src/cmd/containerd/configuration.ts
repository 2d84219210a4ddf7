import { resolve } from 'node:path';
import { invalidArgument } from '#base/errors';
import { parseLevel } from '#base/log';
import type { Io } from '#cmd/cli/io';
import { builtins } from '#daemon/builtins';
import { type ConfigOverrides, type DaemonConfig, loadConfig } from '#daemon/config/load';
import { defaultConfigPath, type Globals } from './globals.ts';

/** As containerd 2.2 has them. */
const usualImports = ['/etc/containerd/conf.d/*.toml'];

/**
 * The configuration that the command line asks for: the file's, or without a file at the usual place the built-in one, and there also what
 * packages have put into the directory beside it. A file that was named must be there.
 *
 * @throws invalid_argument, not_found
 */
export async function readConfiguration(io: Io, flags: Globals): Promise<DaemonConfig> {
  const overrides = overridesOf(flags);
  const usual = flags.config === defaultConfigPath ? { usualImports } : {};
  return loadConfig(resolve(io.cwd, flags.config), builtins, overrides, usual);
}

function overridesOf({ root, state, address, 'log-level': word }: Globals): ConfigOverrides {
  const level = word === '' ? undefined : parseLevel(word);
  if (word !== '' && level === undefined)
    throw invalidArgument(`--log-level: not a valid logrus Level: ${JSON.stringify(word)}`);
  return {
    ...(root !== '' && { root }),
    ...(state !== '' && { state }),
    ...(address !== '' && { address: address.replace(/^unix:\/\//, '') }),
    ...(level !== undefined && { level }),
  };
}
