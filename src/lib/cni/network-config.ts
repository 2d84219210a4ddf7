import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument, isFault, notFound, wrap } from '#base/errors';
import { type Json, parseBoundedJson } from '../oci/bounded-json.ts';

export type JsonObject = { readonly [key: string]: Json };

/** A network as CNI's configuration describes it: plugins that are called one after the other. */
export interface NetworkConfig {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly PluginConfig[];
  /** The list as it was read, or made of a file with one plugin. */
  readonly source: string;
}

export interface PluginConfig {
  /** The plugin's executable. */
  readonly type: string;
  readonly config: JsonObject;
}

/**
 * The network of the first file, by name, in a directory of `.conflist`, `.conf` and `.json` files.
 * @throws not_found without any; invalid_argument naming the file
 */
export async function defaultNetwork(directory: string): Promise<NetworkConfig> {
  const [first] = (await namesIn(directory)).filter((name) => /\.(conflist|conf|json)$/.test(name)).sort();
  if (first === undefined) throw notFound(`no network config found in ${directory}: cni plugin not initialized`);
  const path = join(directory, first);
  try {
    const text = await readFile(path);
    return first.endsWith('.conflist') ? parseList(text) : parseSingle(text);
  } catch (thrown) {
    throw wrap(thrown, `CNI config file ${path}`);
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return [];
    throw thrown;
  }
}

/** @throws invalid_argument */
export function parseList(text: Uint8Array): NetworkConfig {
  const list = objectOf(parseBoundedJson(text, { maxBytes }), 'a list of plugins');
  const { plugins, cniVersion = '' } = list;
  if (!Array.isArray(plugins)) throw invalidArgument("no 'plugins' key");
  if (plugins.length === 0) throw invalidArgument('no plugins in list');
  return {
    name: nameOf(list),
    cniVersion: versionOf(cniVersion),
    plugins: plugins.map((one: Json) => pluginOf(objectOf(one, 'a plugin'))),
    source: Buffer.from(text).toString('utf8'),
  };
}

/** A file with one plugin, as a list. @throws invalid_argument */
export function parseSingle(text: Uint8Array): NetworkConfig {
  const config = objectOf(parseBoundedJson(text, { maxBytes }), 'a plugin');
  const cniVersion = versionOf(config.cniVersion ?? '');
  const name = nameOf(config);
  return {
    name,
    cniVersion,
    plugins: [pluginOf(config)],
    source: JSON.stringify({ name, cniVersion, plugins: [config] }),
  };
}

const maxBytes = 1 << 20;
const nameShape = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

function nameOf({ name }: JsonObject): string {
  if (typeof name !== 'string' || !nameShape.test(name)) throw invalidArgument('no name, or an invalid one');
  return name;
}

function versionOf(version: Json): string {
  if (typeof version !== 'string' || !/^(\d+\.\d+\.\d+)?$/.test(version)) throw invalidArgument('invalid cniVersion');
  return version;
}

function pluginOf(config: JsonObject): PluginConfig {
  const { type } = config;
  // It becomes the name of a file to execute.
  if (typeof type !== 'string' || type === '' || type.includes('/')) throw invalidArgument('network type not found');
  return { type, config };
}

function objectOf(value: Json, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidArgument(`not ${what}`);
  return value as JsonObject;
}
