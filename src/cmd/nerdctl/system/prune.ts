import { humanSize } from '#lib/units';
import { pruneContainers } from '#ops/container/prune';
import { Filters } from '#ops/filters';
import { pruneImages } from '#ops/image/prune';
import { pruneNetworks } from '#ops/networks/remove';
import { pruneVolumes } from '#ops/volume/remove';
import { flag } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { confirmed } from '../confirm.ts';
import { filterFlag, filtersOf } from '../filter-flag.ts';
import { command } from '../globals.ts';

const known = ['label', 'label!', 'until'];

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: {
      all: flag('all images that no container is of, not only those without a name', { alias: 'a' }),
      filter: { ...filterFlag(), alias: [] },
      force: flag('do not ask', { alias: 'f' }),
      volumes: flag('anonymous volumes that no container has, too'),
    },
    run: async (engine, { io, flags }) => {
      const filters = filtersOf(flags.filter, known);
      if (!flags.force && !(await confirmed(io, warning(flags.all, flags.volumes)))) return 0;
      const containers = await pruneContainers(engine, filters);
      await show(io, 'Containers', containers.ids);
      await show(io, 'Networks', await pruneNetworks(engine, filters));
      let reclaimed = containers.reclaimed;
      if (flags.volumes) {
        // A volume has no time by which to choose it.
        const volumes = await pruneVolumes(engine, without(filters, 'until'));
        await show(io, 'Volumes', volumes.names);
        reclaimed += volumes.reclaimedBytes;
      }
      const images = await pruneImages(engine, { all: flags.all, filters });
      await show(io, 'Images', [
        ...images.untagged.map((one) => `untagged: ${one}`),
        ...images.deleted.map((one) => `deleted: ${one}`),
      ]);
      await io.stdout.write(`Total reclaimed space: ${humanSize(reclaimed + images.reclaimed, 4)}\n`);
      return 0;
    },
  });

const without = (filters: Filters, key: string): Filters =>
  new Filters(
    new Map(known.filter((one) => one !== key && filters.has(one)).map((one) => [one, filters.all(one)] as const)),
  );

async function show(io: Io, what: string, names: readonly string[]): Promise<void> {
  if (names.length > 0) await io.stdout.write(`Deleted ${what}:\n${names.join('\n')}\n\n`);
}

function warning(all: boolean, volumes: boolean): string {
  const lines = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
  ];
  return `WARNING! This will remove:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
}
