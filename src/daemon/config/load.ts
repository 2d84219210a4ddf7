import { isTable, mismatch, type Place, type Raw, type RawTable } from '#base/config';
import { parseDuration } from '#base/duration';
import { type AnyPlugin, pluginName } from '#core/plugin/plugin';
import { Server } from '#core/servers/server';
import { proxyPlugins } from '../proxy-plugins.ts';
import { readConfigFiles, tableAt } from './files.ts';
import { mergeConfig } from './merge.ts';
import { type MigratedFile, migrateFile } from './migrate.ts';
import { loadModules } from './modules.ts';
import { defaultTimeouts, storeTimeout, type TopConfig, topTable, writtenVersion } from './schema.ts';

/** Something in a file that has no effect, or will lose it. */
export interface ConfigWarning {
  readonly message: string;
  readonly file: string;
  readonly key: string;
  readonly suggestion?: string;
}

export interface DaemonConfig {
  readonly top: TopConfig;
  /** All plugins that the daemon may start: its own and those of `plugin_modules`. */
  readonly plugins: readonly AnyPlugin[];
  /** The files in the order in which they were read. */
  readonly files: readonly string[];
  readonly warnings: readonly ConfigWarning[];
  /** What the files use that goes away one day; `ctr deprecations list` shows it. */
  readonly deprecations: readonly { readonly id: string; readonly message: string }[];
  /** Everything that the files say, in the layout of versions up to 3. */
  readonly raw: RawTable;
  /** A plugin's configuration, defaults included. */
  of(plugin: AnyPlugin): unknown;
}

/** What the command line says; it stands above all files. */
export interface ConfigOverrides {
  readonly root?: string;
  readonly state?: string;
  readonly address?: string;
  readonly level?: TopConfig['debug']['level'];
}

/** The configuration without any file. */
export function defaultConfig(builtins: readonly AnyPlugin[], overrides: ConfigOverrides = {}): DaemonConfig {
  return assemble({}, builtins, [], [], overrides);
}

/**
 * Reads the file and its imports, checks each against what is declared, and merges them. With `usualImports` the file need not be there, and
 * has those if it names none.
 *
 * @throws invalid_argument naming file, table, key and what was wanted; not_found for a missing file
 */
export async function loadConfig(
  path: string,
  builtins: readonly AnyPlugin[],
  overrides: ConfigOverrides = {},
  options: { readonly usualImports?: readonly string[] } = {},
): Promise<DaemonConfig> {
  const warnings: ConfigWarning[] = [];
  const files = await readConfigFiles(path, options.usualImports);
  const modules: AnyPlugin[] = [];
  for (const { file, raw } of files) modules.push(...(await loadModules(file, raw.plugin_modules)));
  const plugins = [...builtins, ...modules];
  const migrated = files.map((file) => migrateFile(file, plugins));
  for (const file of migrated) check(file, plugins, warnings);
  const merged = migrated.map(({ raw }) => raw).reduce(mergeConfig);
  return assemble(
    merged,
    plugins,
    files.map(({ file }) => file),
    warnings,
    overrides,
  );
}

function assemble(
  merged: RawTable,
  plugins: readonly AnyPlugin[],
  files: readonly string[],
  warnings: readonly ConfigWarning[],
  overrides: ConfigOverrides,
): DaemonConfig {
  const raw = override(merged, overrides);
  const quiet: Place = { file: files.join(', '), path: [], unknown: () => {} };
  const top = topTable.read(withDefaults(raw), quiet);
  const servers = serverTables(raw);
  const tables = tableAt(raw, 'plugins');
  return {
    top,
    plugins: [...plugins, ...proxyPlugins(top.proxy_plugins)],
    files,
    warnings,
    deprecations: deprecationsOf(warnings),
    raw,
    of(plugin) {
      const name = pluginName(plugin);
      const own = plugin.uri === Server.uri ? (servers[plugin.id] ?? {}) : tableAt(tables, name);
      return plugin.config.read(own, { ...quiet, path: ['plugins', name] });
    },
  };
}

function override(raw: RawTable, { root, state, address, level }: ConfigOverrides): RawTable {
  return {
    ...raw,
    version: writtenVersion,
    ...(root !== undefined && { root }),
    ...(state !== undefined && { state }),
    ...(address !== undefined && { grpc: { ...tableAt(raw, 'grpc'), address } }),
    ...(level !== undefined && { debug: { ...tableAt(raw, 'debug'), level } }),
  };
}

/** Keys that the user may add to (`timeouts`, `stream_processors`) keep those that are there without him. */
function withDefaults(raw: RawTable): RawTable {
  const fallback = topTable.write(topTable.fallback) as RawTable;
  return mergeConfig({ timeouts: fallback.timeouts ?? {}, stream_processors: fallback.stream_processors ?? {} }, raw);
}

/** The servers' own tables; `grpc_histogram` stands with the metrics but is about the calls. */
function serverTables(raw: RawTable): Readonly<Record<string, RawTable>> {
  const { level: _, format: __, ...debug } = tableAt(raw, 'debug');
  const { grpc_histogram = false, ...metrics } = tableAt(raw, 'metrics');
  return { grpc: { ...tableAt(raw, 'grpc'), grpc_histogram }, ttrpc: tableAt(raw, 'ttrpc'), debug, metrics };
}

function check(file: MigratedFile, plugins: readonly AnyPlugin[], warnings: ConfigWarning[]): void {
  const warn = (message: string, path: readonly string[], suggestion?: string) => {
    const key = path.join('.');
    warnings.push({ message, file: file.file, key, ...(suggestion !== undefined && { suggestion }) });
  };
  const place: Place = {
    file: file.file,
    path: [],
    unknown: (path, suggestion) => warn('unknown key in the configuration: ignored', path, suggestion),
  };
  if (file.version === 1)
    warn('version 1 of the configuration is deprecated; `containerd config migrate` prints the present form', [
      'version',
    ]);
  topTable.read(file.raw, place);
  if (file.raw.plugin_dir !== undefined && file.raw.plugin_dir !== '') {
    warn('Go plugins cannot be loaded; use plugin_modules or proxy_plugins', ['plugin_dir']);
  }
  checkTimeouts(tableAt(file.raw, 'timeouts'), warn);
  for (const key of ['disabled_plugins', 'required_plugins']) checkNames(file, key, place);
  const tables = file.raw.plugins ?? {};
  if (!isTable(tables)) throw mismatch('a table', tables, { ...place, path: ['plugins'] });
  for (const [name, table] of Object.entries(tables)) {
    const plugin = plugins.find((each) => pluginName(each) === name);
    const path = ['plugins', file.written.get(name) ?? name];
    if (plugin !== undefined) plugin.config.read(table, { ...place, path });
    else if (elsewhere.has(name)) warn('this plugin of containerd is not part of Berth: its table has no effect', path);
    else warn('no plugin of that name: its table has no effect', path);
  }
}

function deprecationsOf(warnings: readonly ConfigWarning[]): DaemonConfig['deprecations'] {
  const kinds = { version: 'config-version-1', plugin_dir: 'go-plugin-library' } as const;
  return Object.entries(kinds).flatMap(([key, kind]) => {
    const warning = warnings.find((each) => each.key === key);
    return warning === undefined
      ? []
      : [{ id: `io.containerd.deprecation/${kind}`, message: `${warning.file}: ${warning.message}` }];
  });
}

function checkTimeouts(timeouts: RawTable, warn: (message: string, path: readonly string[]) => void): void {
  for (const [name, value] of Object.entries(timeouts)) {
    const path = ['timeouts', name];
    if (name === storeTimeout && parseDuration(String(value)) !== 0)
      warn('the store is not waited for: a second daemon on it is refused at once', path);
    // Names of another kind may be those of a plugin module.
    else if (name.startsWith('io.containerd.timeout.') && !Object.hasOwn(defaultTimeouts, name))
      warn('no timeout of that name: it has no effect', path);
  }
}

function checkNames(file: MigratedFile, key: string, place: Place): void {
  const names = (file.raw[key] ?? []) as readonly Raw[];
  for (const name of names) {
    if (/^[^.]+\.[^.]+\.[^.]+(\.[^.]+)*\.v\d+\.[^.]+$/.test(String(name))) continue;
    throw mismatch('a plugin\'s full name such as "io.containerd.grpc.v1.cri"', name, { ...place, path: [key] });
  }
}

/** Plugins that a file written for containerd may well mention. */
const elsewhere: ReadonlySet<string> = new Set([
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.grpc.v1.cri',
  'io.containerd.internal.v1.tracing',
  'io.containerd.nri.v1.nri',
  'io.containerd.podsandbox.controller.v1.podsandbox',
  'io.containerd.runtime.v1.linux',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.erofs',
  'io.containerd.differ.v1.erofs',
  'io.containerd.shim.v1.manager',
  'io.containerd.tracing.processor.v1.otlp',
  'io.containerd.ttrpc.v1.otelttrpc',
]);
