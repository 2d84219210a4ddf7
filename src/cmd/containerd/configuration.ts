import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { invalidArgument } from '#base/errors';
import { parseLevel } from '#base/log';
import type { Io } from '#cmd/cli/io';
import { builtins } from '#daemon/builtins';
import { type ConfigOverrides, type DaemonConfig, defaultConfig, loadConfig } from '#daemon/config/load';
import { defaultConfigPath, type Globals } from './globals.ts';

/**
 * The configuration that the command line asks for: the file's, or without a file at the usual place the built-in one.
 * A file that was named must be there.
 *
 * @throws invalid_argument, not_found
 */
export async function readConfiguration(io: Io, flags: Globals): Promise<DaemonConfig> {
  const overrides = overridesOf(flags);
  if (flags.config === defaultConfigPath && !existsSync(flags.config)) return defaultConfig(builtins, overrides);
  return loadConfig(resolve(io.cwd, flags.config), builtins, overrides);
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
