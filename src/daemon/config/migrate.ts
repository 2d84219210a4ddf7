import { isTable, type Raw, type RawTable } from '#base/config';
import { type AnyPlugin, pluginName } from '#core/plugin/plugin';
import { type ConfigFile, tableAt } from './files.ts';
import { fromNewLayout, newLayout } from './layout.ts';
import { deepMerge } from './merge.ts';

/** Names under which one plugin was known at different times; whichever of them this daemon has is used. */
const sameThing: readonly (readonly string[])[] = [
  ['io.containerd.internal.v1.restart', 'io.containerd.monitor.container.v1.restart'],
  ['io.containerd.monitor.v1.cgroups', 'io.containerd.monitor.task.v1.cgroups'],
];

/** Version 1 named a plugin by its id alone; these ids are not those of a plugin that we have. */
const shortNames: Readonly<Record<string, string>> = {
  cri: 'io.containerd.grpc.v1.cri',
  linux: 'io.containerd.runtime.v1.linux',
  restart: 'io.containerd.internal.v1.restart',
  opt: 'io.containerd.internal.v1.opt',
};

const registryHolders = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images'];
const registryUser = 'io.containerd.transfer.v1.local';

export interface MigratedFile extends ConfigFile {
  /** Our name of a plugin → the name that the file uses, where they differ. */
  readonly written: ReadonlyMap<string, string>;
}

/** Brings a file of any version to the layout and the plugin names that this daemon uses. */
export function migrateFile(source: ConfigFile, plugins: readonly AnyPlugin[]): MigratedFile {
  const names = new Naming(source.version, plugins);
  const written = new Map<string, string>();
  let tables: Record<string, Raw> = {};
  for (const [key, table] of Object.entries(tableAt(source.raw, 'plugins'))) {
    const name = names.table(key);
    if (name !== key) written.set(name, key);
    tables = { ...tables, [name]: deepMerge(tables[name], table) };
  }
  const raw: Record<string, Raw> = { ...source.raw };
  if (isTable(source.raw.plugins)) raw.plugins = adoptShimManager(adoptRegistry(tables, plugins, written), plugins);
  for (const key of ['disabled_plugins', 'required_plugins']) {
    const list = source.raw[key];
    if (Array.isArray(list))
      raw[key] = (list as readonly Raw[]).flatMap((each) => (typeof each === 'string' ? names.list(each) : each));
  }
  return { ...source, raw: source.version === newLayout ? fromNewLayout(raw) : raw, written };
}

class Naming {
  readonly #version: number;
  readonly #plugins: readonly AnyPlugin[];
  readonly #names: ReadonlySet<string>;

  constructor(version: number, plugins: readonly AnyPlugin[]) {
    this.#version = version;
    this.#plugins = plugins;
    this.#names = new Set(plugins.map(pluginName));
  }

  table(key: string): string {
    if (this.#version > 1 || key.includes('.')) return this.#current(key);
    const ours = this.#plugins.filter((plugin) => plugin.id === key);
    const configured = ours.find((plugin) => Object.keys(plugin.config.fields).length > 0) ?? ours[0];
    return configured === undefined ? this.#current(shortNames[key] ?? key) : pluginName(configured);
  }

  /** In version 1 an id in a list stood for every plugin that has it. */
  list(key: string): readonly string[] {
    if (this.#version > 1 || key.includes('.')) return [this.#current(key)];
    const ours = this.#plugins.filter((plugin) => plugin.id === key).map(pluginName);
    return ours.length > 0 ? ours : [this.#current(shortNames[key] ?? key)];
  }

  #current(name: string): string {
    const others = sameThing.find((names) => names.includes(name));
    return others?.find((other) => this.#names.has(other)) ?? name;
  }
}

/** Mirrors and credentials were the CRI plugin's; whoever pulls here gets them, unless the file says something of its own to it. */
function adoptRegistry(tables: RawTable, plugins: readonly AnyPlugin[], written: Map<string, string>): RawTable {
  const user = plugins.find((plugin) => pluginName(plugin) === registryUser);
  if (user === undefined || !Object.hasOwn(user.config.fields, 'registry')) return tables;
  for (const holder of registryHolders) {
    const registry = tableAt(tables, holder).registry;
    if (!isTable(registry)) continue;
    if (!Object.hasOwn(tables, registryUser)) written.set(registryUser, holder);
    return { ...tables, [registryUser]: deepMerge({ registry }, tableAt(tables, registryUser)) };
  }
  return tables;
}

const shimManager = 'io.containerd.shim.v1.manager';
const taskPlugin = 'io.containerd.runtime.v2.task';

/** From version 3 on, core scheduling is asked for in the environment of all shims. */
function adoptShimManager(tables: RawTable, plugins: readonly AnyPlugin[]): RawTable {
  const { env } = tableAt(tables, shimManager);
  const task = plugins.find((plugin) => pluginName(plugin) === taskPlugin);
  if (!Array.isArray(env) || task === undefined || !Object.hasOwn(task.config.fields, 'sched_core')) return tables;
  // Whatever it is set to: shims ask whether it is empty.
  const others = env.filter((each) => typeof each !== 'string' || !/^SCHED_CORE=./.test(each));
  const { [shimManager]: manager, ...rest } = tables;
  return {
    ...rest,
    ...(others.length < env.length && { [taskPlugin]: deepMerge({ sched_core: true }, tableAt(tables, taskPlugin)) }),
    ...(others.length > 0 && { [shimManager]: { ...(manager as RawTable), env: others } }),
  };
}
