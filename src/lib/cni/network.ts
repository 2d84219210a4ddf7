import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fault, isFault, messageOf, wrap } from '#base/errors';
import type { JsonObject, NetworkConfig, PluginConfig } from './network-config.ts';
import { type PluginCall, runPlugin } from './plugin.ts';

/** Whom to connect to a network, and where plugins are. */
export interface Attachment extends Omit<PluginCall, 'command'> {
  /** Where it is noted what ADD has said; `/var/lib/cni`, where others look too, when absent. */
  readonly cacheDir?: string;
  /** Wishes by the name of a capability (`portMappings`, `ips`, `mac`): each plugin is told of those that it declares to understand. */
  readonly capabilities?: JsonObject;
}

/**
 * Connects a network namespace to a network, and returns what the last plugin said of it. Nothing is undone when a plugin fails: call
 * `removeNetwork`. @throws the plugin's words
 */
export async function addNetwork(network: NetworkConfig, to: Attachment): Promise<JsonObject> {
  let result: JsonObject | undefined;
  for (const plugin of network.plugins) {
    const said = await run('ADD', network, plugin, result, to);
    result = resultIn(said, plugin);
    await rememberResult(network, to, result); // for whoever has to undo half of it
  }
  return result ?? {};
}

function resultIn(said: string, { type }: PluginConfig): JsonObject {
  try {
    const result: unknown = JSON.parse(said);
    if (typeof result === 'object' && result !== null && !Array.isArray(result)) return result as JsonObject;
  } catch {
    // Told below.
  }
  throw fault('unknown', `plugin type=${JSON.stringify(type)} failed (add): it printed no result`);
}

/**
 * Takes it off again, in the reverse order; an attachment that has gone is no error. A plugin that fails does not keep the others from
 * taking away what is theirs. @throws the words of the first that failed
 */
export async function removeNetwork(network: NetworkConfig, from: Attachment): Promise<void> {
  const known = hasResultsOnDelete(network.cniVersion) ? await recall(network, from) : undefined;
  const failures: unknown[] = [];
  for (const plugin of network.plugins.toReversed()) {
    await run('DEL', network, plugin, known, from).catch((thrown: unknown) => {
      // Plugins disagree on whether a namespace that has gone is an error.
      if (!/no such file or directory|not found/.test(messageOf(thrown)) || isFault(thrown, 'not_found'))
        failures.push(thrown);
    });
  }
  if (failures.length > 0) throw failures[0];
  await forgetResult(network, from);
}

/** What a plugin is told of the wishes: nothing of those that it does not know. */
function wishesFor({ config }: PluginConfig, wishes: JsonObject): { readonly runtimeConfig?: JsonObject } {
  const known = config.capabilities as JsonObject | undefined;
  const told = Object.entries(wishes).filter(([name]) => known?.[name] === true);
  return told.length === 0 ? {} : { runtimeConfig: Object.fromEntries(told) };
}

async function run(
  command: PluginCall['command'],
  network: NetworkConfig,
  plugin: PluginConfig,
  prevResult: JsonObject | undefined,
  call: Attachment,
): Promise<string> {
  const { name, cniVersion } = network;
  const config = {
    ...plugin.config,
    name,
    cniVersion,
    ...wishesFor(plugin, call.capabilities ?? {}),
    ...(prevResult === undefined ? {} : { prevResult }),
  };
  try {
    return await runPlugin(plugin.type, config, { ...call, command });
  } catch (thrown) {
    const verb = command === 'ADD' ? 'add' : 'delete';
    throw wrap(thrown, `plugin type=${JSON.stringify(plugin.type)} failed (${verb})`);
  }
}

/** From 0.4.0 on, plugins are told with DEL what ADD had said. */
function hasResultsOnDelete(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 0 || minor >= 4;
}

/** And forgets it. */
export const forgetResult = (network: NetworkConfig, from: Parameters<typeof rememberResult>[1]): Promise<void> =>
  rm(cachePath(network, from), { force: true });

const cachePath = (
  { name }: NetworkConfig,
  { containerId, ifName, cacheDir = '/var/lib/cni' }: Pick<Attachment, 'containerId' | 'ifName' | 'cacheDir'>,
): string => join(cacheDir, 'results', `${name}-${containerId}-${ifName}`);

/** Notes what ADD has said, as `addNetwork` does: for who has done it himself. */
export async function rememberResult(
  network: NetworkConfig,
  to: Pick<Attachment, 'containerId' | 'ifName' | 'cacheDir'>,
  result: JsonObject,
): Promise<void> {
  const path = cachePath(network, to);
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const note = {
    kind: 'cniCacheV1',
    containerId: to.containerId,
    config: Buffer.from(network.source).toString('base64'),
    ifName: to.ifName,
    networkName: network.name,
    result,
  };
  await writeFile(path, JSON.stringify(note), { mode: 0o600 });
}

/** What ADD had said; nothing where nobody noted it. */
async function recall(network: NetworkConfig, from: Attachment): Promise<JsonObject | undefined> {
  try {
    const note = JSON.parse(await readFile(cachePath(network, from), 'utf8')) as { readonly result?: JsonObject };
    return note.result;
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
