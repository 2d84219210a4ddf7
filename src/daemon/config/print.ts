import { type Field, type JsonSchema, type RawTable, table } from '#base/config';
import { formatReference } from '#base/config-reference';
import { formatToml } from '#base/toml';
import { pluginName } from '#core/plugin/plugin';
import { Server } from '#core/servers/server';
import { tableAt } from './files.ts';
import { listenerTables, toNewLayout } from './layout.ts';
import type { DaemonConfig } from './load.ts';
import { topTable, writtenVersion } from './schema.ts';

/** `containerd config default`: every key with its default, and what it does above it. */
export function formatDefaultConfig(config: DaemonConfig): string {
  return formatToml(complete(config, true), { ...topTable.fields, plugins: table(pluginFields(config)) });
}

/** `containerd config dump`: what holds after imports, migration and command line, defaults included. */
export function formatEffectiveConfig(config: DaemonConfig): string {
  return formatToml(complete(config, false));
}

/** A JSON Schema of the file, for editors. */
export function configSchema(config: DaemonConfig): JsonSchema {
  const { plugins: _, ...fields } = topTable.fields;
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'config.toml of the containerd daemon of Berth',
    ...table({ ...fields, plugins: table(pluginFields(config)) }).schema,
  };
}

/** docs/reference/config.md. */
export function formatConfigReference(config: DaemonConfig): string {
  const { plugins: _, ...fields } = topTable.fields;
  const own = Object.entries(pluginFields(config)).map(([name, field]) => {
    return `### \`[plugins.'${name}']\`\n\n${formatReference(table(field.fields ?? {}))}`;
  });
  return `# Configuration\n\nThe keys of \`config.toml\`, generated from their declarations.\n\n${formatReference(table(fields))}\n## Plugins\n\n${own.join('\n')}`;
}

function complete(config: DaemonConfig, defaults: boolean): RawTable {
  const {
    plugins: _,
    version: __,
    imports: ___,
    ...top
  } = topTable.write(defaults ? topTable.fallback : config.top) as RawTable;
  const raw = tableAt(config.raw, 'plugins');
  const known = Object.fromEntries(
    configurable(config).map((plugin) => [
      pluginName(plugin),
      plugin.config.write(defaults ? plugin.config.fallback : config.of(plugin)) as RawTable,
    ]),
  );
  const imports = defaults ? [] : config.files.slice(1);
  const layout = { version: writtenVersion, ...top, imports, plugins: defaults ? known : { ...raw, ...known } };
  return toNewLayout(layout as RawTable);
}

function pluginFields(config: DaemonConfig): Readonly<Record<string, Field<unknown>>> {
  const own = configurable(config).map((plugin): [string, Field<unknown>] => [pluginName(plugin), plugin.config]);
  const all = [...Object.entries(listenerTables), ...own];
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Plugins with keys of their own; the listeners have tables of another form in the file. */
function configurable(config: DaemonConfig) {
  return config.plugins
    .filter((plugin) => plugin.uri !== Server.uri && Object.keys(plugin.config.fields).length > 0)
    .sort((a, b) => (pluginName(a) < pluginName(b) ? -1 : 1));
}
