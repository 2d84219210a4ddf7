import { humanSize } from '#lib/units';
import { imagePruneFilters, pruneImages } from '#ops/image/prune';
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
    flags: {
      all: flag('Remove all unused images, not just dangling ones', { alias: 'a' }),
      filter: { ...filterFlag("Provide filter values (e.g. 'until=24h')"), alias: [] },
      force: flag('Do not prompt for confirmation', { alias: 'f' }),
    },
    run: async (engine, { io, flags }) => {
      const filters = filtersOf(flags.filter, imagePruneFilters);
      const what = flags.all ? 'all images without at least one container associated to them' : 'all dangling images';
      if (!flags.force && !(await confirmed(io, `WARNING! This will remove ${what}.`))) return 0;
      const { untagged, deleted, reclaimed } = await pruneImages(engine, { all: flags.all, filters });
      const lines = [...untagged.map((each) => `untagged: ${each}`), ...deleted.map((each) => `deleted: ${each}`)];
      if (lines.length > 0) await io.stdout.write(`Deleted Images:\n${lines.join('\n')}\n\n`);
      await io.stdout.write(`Total reclaimed space: ${humanSize(reclaimed, 4)}\n`);
      return 0;
    },
  });
