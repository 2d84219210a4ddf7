import { ellipsis } from '#lib/display-width';
import { parsePlatform } from '#lib/platform';
import { humanAgo, humanSize, shortId } from '#lib/units';
import { findImage } from '#ops/image/find';
import { type ImageStep, imageHistory } from '#ops/image/history';
import { flag, text } from '../../cli/flags.ts';
import { type ListSpec, printList } from '../format/list.ts';
import { localRfc3339 } from '../format/local-time.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'IMAGE',
    arity: [1, 1],
    completes: ['images'],
    flags: {
      format: text("'table', 'json', 'table TEMPLATE' or a Go template", { alias: 'f' }),
      human: { ...flag('Print sizes and dates in human readable format', { alias: 'H' }), default: true },
      'no-trunc': flag("Don't truncate output"),
      platform: text('That of this platform: os[/arch[/variant]]'),
      quiet: flag('Only show image IDs', { alias: 'q' }),
    },
    run: async (engine, { io, flags, args: [word = ''] }) => {
      const platform = flags.platform === '' ? undefined : parsePlatform(flags.platform);
      const steps = await imageHistory(engine, await findImage(engine, word), platform);
      await printList(io, historySpec({ noTrunc: flags['no-trunc'], human: flags.human }), steps, flags);
      return 0;
    },
  });

const historySpec = ({
  noTrunc,
  human,
}: {
  readonly noTrunc: boolean;
  readonly human: boolean;
}): ListSpec<ImageStep> => ({
  type: '*formatter.historyContext',
  columns: {
    ID: { heading: 'IMAGE', value: ({ id }) => (id === '' ? '<missing>' : noTrunc ? id : shortId(id)) },
    CreatedSince: {
      heading: human ? 'CREATED' : 'CREATED AT',
      value: ({ createdAt }) =>
        createdAt === undefined ? 'N/A' : human ? humanAgo(createdAt.getTime()) : localRfc3339(createdAt.getTime()),
    },
    CreatedAt: {
      heading: 'CREATED AT',
      value: ({ createdAt }) => (createdAt === undefined ? '' : localRfc3339(createdAt.getTime())),
    },
    CreatedBy: {
      heading: 'CREATED BY',
      value: ({ createdBy }) => {
        const line = createdBy.replaceAll('\t', ' ');
        return noTrunc ? line : ellipsis(line, 45);
      },
    },
    Size: { heading: 'SIZE', value: ({ size }) => (human ? humanSize(size) : String(size)) },
    Comment: { heading: 'COMMENT', value: ({ comment }) => comment },
  },
  table: 'table {{.ID}}\\t{{.CreatedSince}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}',
  quiet: '{{.ID}}',
});
