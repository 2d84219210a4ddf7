import { humanSize, shortId } from '#lib/units';
import { type DiskUsage, diskUsage, type UsedPart } from '#ops/system/disk-usage';
import { flag, text } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { alignTabs, docker } from '../../cli/tabwriter.ts';
import { type ListSpec, printList } from '../format/list.ts';
import { command } from '../globals.ts';

interface Row {
  readonly type: string;
  readonly parts: readonly UsedPart[];
}

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: {
      format: text('table, json, or a Go template'),
      verbose: flag('each thing by itself', { alias: 'v' }),
    },
    run: async (engine, { io, flags }) => {
      if (flags.verbose && flags.format !== '') throw new Exit(1, 'the verbose and the format options conflict');
      const usage = await diskUsage(engine);
      if (flags.verbose) await io.stdout.write(eachOf(usage));
      else await printList(io, spec, rowsOf(usage), { format: flags.format });
      return 0;
    },
  });

const rowsOf = ({ images, containers, volumes }: DiskUsage): readonly Row[] => [
  { type: 'Images', parts: images },
  { type: 'Containers', parts: containers },
  { type: 'Local Volumes', parts: volumes },
  { type: 'Build Cache', parts: [] },
];

const sum = (parts: readonly UsedPart[]): number => parts.reduce((all, { size }) => all + size, 0);

/** With its part of all, but where there is nothing to speak of. */
function reclaimable({ type, parts }: Row): string {
  const all = sum(parts);
  const free = sum(parts.filter(({ active }) => !active));
  if (all === 0 || type === 'Build Cache') return humanSize(free, 4);
  return `${humanSize(free, 4)} (${Math.trunc((free * 100) / all)}%)`;
}

const spec: ListSpec<Row> = {
  type: '*formatter.diskUsageContext',
  table: 'table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}',
  columns: {
    Type: { heading: 'TYPE', value: ({ type }) => type },
    TotalCount: { heading: 'TOTAL', value: ({ parts }) => String(parts.length) },
    Active: { heading: 'ACTIVE', value: ({ parts }) => String(parts.filter(({ active }) => active).length) },
    Size: { heading: 'SIZE', value: ({ parts }) => humanSize(sum(parts), 4) },
    Reclaimable: { heading: 'RECLAIMABLE', value: reclaimable },
  },
};

function eachOf({ images, containers, volumes }: DiskUsage): string {
  const table = (title: string, heading: string, parts: readonly UsedPart[], shown: (name: string) => string) =>
    `${title}\n\n${alignTabs([`${heading}\tSIZE\tIN USE`, ...parts.map(({ name, size, active }) => `${shown(name)}\t${humanSize(size, 4)}\t${active ? 'yes' : 'no'}`)].join('\n'), docker)}\n\n`;
  return (
    table('Images space usage:', 'IMAGE ID', images, shortId) +
    table('Containers space usage:', 'NAME', containers, (name) => name) +
    table('Local Volumes space usage:', 'VOLUME NAME', volumes, (name) => name)
  );
}
