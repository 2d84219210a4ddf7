import type { Network } from '#ops/networks/find';
import { listNetworksBy, networkFilters } from '#ops/networks/list';
import { flag, text } from '../../cli/flags.ts';
import { filterFlag, filtersOf } from '../filter-flag.ts';
import { type ListSpec, printList } from '../format/list.ts';
import { command } from '../globals.ts';

const spec = (whole: boolean): ListSpec<Network> => ({
  type: '*formatter.networkContext',
  columns: {
    ID: { heading: 'NETWORK ID', value: ({ id }) => (whole ? id : id.slice(0, 12)) },
    Name: { heading: 'NAME', value: ({ name }) => name },
    Driver: { heading: 'DRIVER', value: ({ driver }) => driver },
    Scope: { heading: 'SCOPE', value: () => 'local' },
    IPv4: { heading: 'IPV4', value: ({ ipv4 }) => String(ipv4) },
    IPv6: { heading: 'IPV6', value: ({ ipv6 }) => String(ipv6) },
    Internal: { heading: 'INTERNAL', value: ({ internal }) => String(internal) },
    Labels: {
      heading: 'LABELS',
      value: ({ labels }) =>
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
    },
    CreatedAt: { heading: 'CREATED AT', value: ({ created }) => created },
    File: { heading: 'FILE', value: ({ file }) => file?.path ?? '' },
  },
  table: 'table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
  quiet: '{{.ID}}',
  labels: ({ labels }) => labels,
});

export const ls = command({
  name: 'ls',
  aliases: ['list'],
  summary: 'list networks',
  args: '',
  arity: [0, 0],
  flags: {
    filter: filterFlag(),
    format: text('table, json, or a template'),
    quiet: flag('only ids', { alias: 'q' }),
    'no-trunc': flag('whole ids'),
  },
  run: async (engine, { io, flags }) => {
    const rows = await listNetworksBy(engine, filtersOf(flags.filter, networkFilters));
    await printList(io, spec(flags['no-trunc']), rows, { format: flags.format, quiet: flags.quiet });
    return 0;
  },
});
