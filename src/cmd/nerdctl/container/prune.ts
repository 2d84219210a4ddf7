import { humanSize } from '#lib/units';
import { pruneContainerFilters, pruneContainers } from '#ops/container/prune';
import { flag } from '../../cli/flags.ts';
import { confirmed } from '../confirm.ts';
import { filterFlag, filtersOf } from '../filter-flag.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: { filter: filterFlag(), force: flag('do not ask', { alias: 'f' }) },
    run: async (engine, { io, flags }) => {
      const filters = filtersOf(flags.filter, pruneContainerFilters);
      const warning = 'WARNING! This will remove all stopped containers.';
      if (!flags.force && !(await confirmed(io, warning))) return 0;
      const { ids, reclaimed } = await pruneContainers(engine, filters);
      if (ids.length > 0) await io.stdout.write(`Deleted Containers:\n${ids.join('\n')}\n\n`);
      await io.stdout.write(`Total reclaimed space: ${humanSize(reclaimed, 4)}\n`);
      return 0;
    },
  });
