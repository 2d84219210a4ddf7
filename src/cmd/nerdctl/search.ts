import { ellipsis } from '#lib/display-width';
import { registryOfTerm, type SearchResult, searchFilters, searchImages } from '#ops/registry/search';
import { flag, number, text } from '../cli/flags.ts';
import { filterFlag, filtersOf } from './filter-flag.ts';
import { type ListSpec, printList } from './format/list.ts';
import { command } from './globals.ts';
import { registryOptions } from './registry.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'TERM',
    arity: [1, 1],
    flags: {
      filter: filterFlag(),
      format: text("'table', 'json', 'table TEMPLATE' or a Go template"),
      limit: number('Max number of search results', { default: 25 }),
      'no-trunc': flag("Don't truncate output"),
    },
    run: async (engine, { io, flags, args: [term = ''] }) => {
      const filters = filtersOf(flags.filter, searchFilters);
      const registry = await registryOptions(io, engine.config, registryOfTerm(term));
      const found = await searchImages(engine, term, { limit: flags.limit, filters, registry, environment: io.env });
      await printList(io, searchSpec(flags['no-trunc']), found, flags);
      return 0;
    },
  });

const searchSpec = (noTrunc: boolean): ListSpec<SearchResult> => ({
  type: '*formatter.searchContext',
  columns: {
    Name: { heading: 'NAME', value: ({ name }) => name },
    Description: {
      heading: 'DESCRIPTION',
      value: ({ description }) => {
        const line = description.replace(/[\r\n]+/g, ' ');
        return noTrunc ? line : ellipsis(line, 45);
      },
    },
    StarCount: { heading: 'STARS', value: ({ stars }) => String(stars) },
    IsOfficial: { heading: 'OFFICIAL', value: ({ official }) => (official ? '[OK]' : '') },
    IsAutomated: { heading: 'AUTOMATED', value: ({ automated }) => (automated ? '[OK]' : '') },
  },
  table: 'table {{.Name}}\\t{{.Description}}\\t{{.StarCount}}\\t{{.IsOfficial}}',
});
