import { invalidArgument } from '#base/errors';
import { formatTimestamp } from '#base/timestamp';
import { ctrJson } from '#lib/go-json';
import { text } from '../../cli/flags.ts';
import { narrow } from '../../cli/tabwriter.ts';
import { command } from '../globals.ts';
import { printTable } from '../output.ts';

export default command({
  name: 'list',
  summary: 'print warnings for deprecations',
  flags: { format: text("output format to use (Examples: 'default', 'json')") },
  run: async ({ client }, { io, flags }) => {
    if (!['', 'default', 'json'].includes(flags.format))
      throw invalidArgument(`unknown format ${JSON.stringify(flags.format)}: wanted default or json`);
    const { deprecations } = await client.introspection.server();
    if (deprecations.length === 0) return 0;
    const rows = deprecations.map(({ id, message, lastSeen }) => ({
      id,
      message,
      lastOccurrence: lastSeen === undefined ? '' : formatTimestamp(lastSeen).replace(/\.?0*Z$/, 'Z'),
    }));
    if (flags.format === 'json') await io.stdout.write(`${ctrJson(rows)}\n`);
    else
      await printTable(
        io,
        [
          'ID\tLAST OCCURRENCE\tMESSAGE\t',
          ...rows.map(({ id, message, lastOccurrence }) => `${id}\t${lastOccurrence}\t${message}\t`),
        ],
        narrow,
      );
    return 0;
  },
});
