import { createInterface } from 'node:readline/promises';
import { pruneFilters, pruneNetworks } from '#ops/networks/remove';
import { flag, list } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { filtersOf } from '../filter-flag.ts';
import { command } from '../globals.ts';

export const prune = command({
  name: 'prune',
  summary: 'remove networks that no running container is in',
  args: '',
  arity: [0, 0],
  flags: {
    force: flag('do not ask', { alias: 'f' }),
    filter: list('what is removed: until=<moment>, label=…, label!=…', { value: 'filter' }),
  },
  run: async (engine, { io, flags }) => {
    const filters = filtersOf(flags.filter, pruneFilters);
    if (!flags.force && !(await agreed(io))) return 0;
    const names = await pruneNetworks(engine, filters);
    if (names.length > 0) await io.stdout.write(`Deleted Networks:\n${names.join('\n')}\n\n`);
    return 0;
  },
});

/** Without an answer it is no. */
async function agreed(io: Io): Promise<boolean> {
  await io.stdout.write(
    'WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue? [y/N] ',
  );
  const lines = createInterface({ input: io.stdin });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
