import type { PluginInfo } from '#core/introspection/introspection';
import type { Platform } from '#lib/platform';
import { flag } from '../../cli/flags.ts';
import { wide } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printLines, printTable } from '../output.ts';

export default command({
  name: 'list',
  aliases: ['ls'],
  summary: 'lists containerd plugins',
  flags: {
    quiet: flag('print only the plugin ids', { alias: 'q' }),
    detailed: flag('print detailed information about each plugin', { alias: 'd' }),
  },
  run: async ({ client }, { io, args, flags }) => {
    const plugins = await client.introspection.plugins(args);
    if (flags.quiet)
      await printLines(
        io,
        plugins.map(({ id }) => id),
      );
    else if (flags.detailed) await printTable(io, plugins.flatMap(details), wide);
    else await printTable(io, ['TYPE\tID\tPLATFORMS\tSTATUS\t', ...plugins.map(row)], wide);
    return 0;
  },
});

const row = (plugin: PluginInfo): string =>
  [plugin.type, plugin.id, platformList(plugin.platforms) || '-', status(plugin), ''].join('\t');

function status({ initError }: PluginInfo): string {
  if (initError === undefined) return 'ok';
  return initError.message.includes('skip plugin') ? 'skip' : 'error';
}

function details(plugin: PluginInfo): readonly string[] {
  const { initError } = plugin;
  return [
    '\t\t\t',
    `Type:\t ${plugin.type}`,
    `ID:\t ${plugin.id}`,
    ...(plugin.requires.length > 0 ? ['Requires:\t', ...plugin.requires.map((type) => `\t ${type}`)] : []),
    ...(plugin.platforms.length > 0 ? [`Platforms:\t ${platformList(plugin.platforms)}`] : []),
    ...(Object.keys(plugin.exports).length > 0
      ? ['Exports:\t', ...Object.entries(plugin.exports).map(([name, value]) => `\t ${name} \t ${value}`)]
      : []),
    ...(plugin.capabilities.length > 0 ? [`Capabilities:\t ${plugin.capabilities.join(',')}`] : []),
    ...(initError === undefined
      ? []
      : ['Error:\t', `\t Code:\t ${grpcName(initError.class)}`, `\t Message:\t ${initError.message}`]),
  ];
}

/** `not_found` as Go prints a status code: `NotFound`. */
const grpcName = (cls: string): string =>
  cls.replace(/(^|_)([a-z])/g, (_, _gap, letter: string) => letter.toUpperCase());

const platformList = (platforms: readonly Platform[]): string =>
  [
    ...new Set(
      platforms.map(({ os, architecture, variant }) => [os, architecture, ...(variant ? [variant] : [])].join('/')),
    ),
  ]
    .sort()
    .join(',');
