import { resolve } from 'node:path';
import { toMillis } from '#base/timestamp';
import { duration, text } from '../../cli/flags.ts';
import { formatAge, formatDecimalBytes } from '../../cli/humanize.ts';
import { tabbed } from '../../cli/tabwriter.ts';
import { command, withTimeout } from '../globals.ts';
import { printTable } from '../output.ts';
import { ingestsIn } from './ingests-in.ts';

export default command({
  name: 'active',
  summary: 'display active transfers',
  args: '[flags] [<regexp>]',
  description: 'display the ongoing transfers',
  flags: {
    timeout: duration('total timeout for fetch', { alias: 't', env: 'CONTAINERD_FETCH_TIMEOUT' }),
    root: text('path to content store root; given, the ingests of that directory are shown, and no daemon is asked', {
      default: '/tmp/content',
    }),
  },
  run: async ({ client, scope: all }, { io, args: [pattern], flags, given }) => {
    const scope = flags.timeout > 0 ? { ...all, signal: withTimeout(all.signal, flags.timeout) } : all;
    const filters = pattern === undefined ? [] : [`ref~=${JSON.stringify(pattern)}`];
    const active = given.has('root')
      ? await ingestsIn(resolve(io.cwd, flags.root), pattern)
      : await client.content.statuses(scope, filters);
    const rows = active.map(
      ({ ref, offset, startedAt }) =>
        `${ref}\t${formatDecimalBytes(offset)}\t${formatAge(Date.now() - toMillis(startedAt))}\t`,
    );
    await printTable(io, ['REF\tSIZE\tAGE\t', ...rows], tabbed);
    return 0;
  },
});
