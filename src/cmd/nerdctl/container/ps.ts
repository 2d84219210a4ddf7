import { listContainers } from '#ops/container/list';
import { containerFilters } from '#ops/container/list-filters';
import { containerSize } from '#ops/container/size';
import { flag, number, text } from '../../cli/flags.ts';
import { filterFlag, filtersOf } from '../filter-flag.ts';
import { printList } from '../format/list.ts';
import { command } from '../globals.ts';
import { type PsRow, psSpec } from './ps-columns.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: {
      all: flag('Show all containers (default shows just running)', { alias: 'a' }),
      filter: filterFlag(),
      format: text("'table', 'wide', 'json', 'table TEMPLATE' or a Go template"),
      last: number('Show n last created containers (includes all states)', { alias: 'n', default: -1, value: 'int' }),
      latest: flag('Show the latest created container (includes all states)', { alias: 'l' }),
      'no-trunc': flag("Don't truncate output"),
      quiet: flag('Only display container IDs', { alias: 'q' }),
      size: flag('Display total file sizes', { alias: 's' }),
    },
    run: async (engine, { io, flags }) => {
      const filters = filtersOf(flags.filter, containerFilters);
      const last = flags.latest ? 1 : Math.max(flags.last, 0);
      const found = await listContainers(engine, { all: flags.all, last, filters });
      // Sizes are walked for, so only for those who look at them.
      const sized = flags.size || (!flags.quiet && wantsSize(flags.format));
      const rows: PsRow[] = [];
      for (const each of found) rows.push({ ...each, size: sized ? await containerSize(engine, each) : undefined });
      await printList(io, psSpec({ noTrunc: flags['no-trunc'], size: flags.size }), rows, flags);
      return 0;
    },
  });

const wantsSize = (format: string): boolean => format === 'wide' || /\{\{[^}]*\.Size\b/.test(format);
