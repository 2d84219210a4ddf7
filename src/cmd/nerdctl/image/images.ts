import { imageFilters, listImages } from '#ops/image/list';
import { flag, text } from '../../cli/flags.ts';
import { filterFlag, filtersOf } from '../filter-flag.ts';
import { printList } from '../format/list.ts';
import { command } from '../globals.ts';
import { imagesSpec } from './images-columns.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '[REPOSITORY[:TAG]]',
    arity: [0, 1],
    completes: ['images'],
    flags: {
      all: flag('Show all images (there are no hidden ones)', { alias: 'a' }),
      digests: flag('Show digests'),
      filter: filterFlag(),
      format: text("'table', 'wide', 'json', 'table TEMPLATE' or a Go template"),
      names: flag('Show whole names'),
      'no-trunc': flag("Don't truncate output"),
      quiet: flag('Only show image IDs', { alias: 'q' }),
      tree: flag('', { refused: 'a line is a name; "image inspect --mode native" shows all of an image' }),
    },
    run: async (engine, { io, flags, args: [name = ''] }) => {
      const filters = filtersOf(flags.filter, imageFilters);
      const images = await listImages(engine, { filters, name });
      // One image has one id, however many names.
      const rows = flags.quiet
        ? images.filter(({ id }, at) => images.findIndex((each) => each.id === id) === at)
        : images;
      await printList(io, imagesSpec({ noTrunc: flags['no-trunc'], ...flags }), rows, flags);
      return 0;
    },
  });
