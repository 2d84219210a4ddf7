import { humanSize } from '#lib/units';
import { type ListedVolume, listVolumesBy, volumeFilters } from '#ops/volume/list';
import { flag, text } from '../../cli/flags.ts';
import { filterFlag, filtersOf } from '../filter-flag.ts';
import { type ListSpec, printList } from '../format/list.ts';
import { command } from '../globals.ts';

const spec = (sized: boolean): ListSpec<ListedVolume> => ({
  type: '*formatter.volumeContext',
  columns: {
    Name: { heading: 'VOLUME NAME', value: ({ name }) => name },
    Driver: { heading: 'DRIVER', value: () => 'local' },
    Scope: { heading: 'SCOPE', value: () => 'local' },
    Mountpoint: { heading: 'MOUNTPOINT', value: ({ mountpoint }) => mountpoint },
    Labels: {
      heading: 'LABELS',
      value: ({ labels }) =>
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(','),
    },
    Links: { heading: 'LINKS', value: () => 'N/A' },
    Size: { heading: 'SIZE', value: ({ sizeBytes }) => (sizeBytes === undefined ? 'N/A' : humanSize(sizeBytes)) },
    Availability: { heading: 'AVAILABILITY', value: () => 'N/A' },
    Group: { heading: 'GROUP', value: () => 'N/A' },
    Status: { heading: 'STATUS', value: () => 'N/A' },
  },
  table: sized ? 'table {{.Driver}}\t{{.Name}}\t{{.Size}}' : 'table {{.Driver}}\t{{.Name}}',
  quiet: '{{.Name}}',
  labels: ({ labels }) => labels,
});

export const ls = command({
  name: 'ls',
  aliases: ['list'],
  summary: 'list volumes',
  args: '',
  arity: [0, 0],
  flags: {
    filter: filterFlag(),
    format: text('table, json, or a template'),
    quiet: flag('only names', { alias: 'q' }),
    size: flag('how much is in them', { alias: 's' }),
  },
  run: async (engine, { io, flags }) => {
    const filters = filtersOf(flags.filter, volumeFilters);
    const sizes = flags.size || flags.format.includes('.Size');
    const rows = await listVolumesBy(engine, filters, { sizes });
    await printList(io, spec(flags.size), rows, { format: flags.format, quiet: flags.quiet });
    return 0;
  },
});
