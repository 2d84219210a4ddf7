import { tagImage } from '#ops/image/tag';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
    arity: [2, 2],
    completes: ['images', 'images'],
    flags: {},
    run: async (engine, { args: [source = '', target = ''] }) => {
      await tagImage(engine, source, target);
      return 0;
    },
  });
