import { createInterface } from 'node:readline/promises';
import { humanSize } from '#lib/units';
import { pruneVolumeFilters, pruneVolumes } from '#ops/volume/remove';
import { flag } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { filterFlag, filtersOf } from '../filter-flag.ts';
import { command } from '../globals.ts';

export const prune = command({
  name: 'prune',
  summary: 'remove volumes that no container has',
  args: '',
  arity: [0, 0],
  flags: {
    all: flag("those with a name of the user's, too", { alias: 'a' }),
    filter: filterFlag(),
    force: flag('do not ask', { alias: 'f' }),
  },
  run: async (engine, { io, flags }) => {
    const filters = filtersOf(flags.filter, pruneVolumeFilters);
    if (!flags.force && !(await agreed(io, flags.all))) return 0;
    const { names, reclaimedBytes } = await pruneVolumes(engine, filters, { all: flags.all });
    if (names.length > 0) await io.stdout.write(`Deleted Volumes:\n${names.join('\n')}\n\n`);
    await io.stdout.write(`Total reclaimed space: ${humanSize(reclaimedBytes)}\n`);
    return 0;
  },
});

/** Without an answer it is no. */
async function agreed(io: Io, all: boolean): Promise<boolean> {
  const which = all ? 'all' : 'anonymous';
  await io.stdout.write(
    `WARNING! This will remove ${which} local volumes not used by at least one container.\nAre you sure you want to continue? [y/N] `,
  );
  const lines = createInterface({ input: io.stdin });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
