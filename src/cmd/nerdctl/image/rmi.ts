import { isFault } from '#base/errors';
import { removeImage } from '#ops/image/remove';
import { removePlatforms } from '#ops/image/remove-platforms';
import { flag, list } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { said } from '../words.ts';
import { platformsOf } from './platforms.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'IMAGE [IMAGE...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['images...'],
    flags: {
      async: flag('Do not wait until what nobody needs any more has gone'),
      force: flag('Force removal of the image', { alias: 'f' }),
      'no-prune': flag('', { refused: 'images have no untagged parents here that could stay' }),
      platform: list('Remove only what is for this platform: os[/arch[/variant]]'),
    },
    run: async (engine, { io, args, flags }) => {
      const platforms = platformsOf({ ...flags, 'all-platforms': false });
      let code = 0;
      // One after the other: a later word may mean what an earlier one left.
      for (const word of args) {
        try {
          const { untagged, deleted } = await (platforms === undefined || platforms === 'all'
            ? removeImage(engine, word, flags)
            : removePlatforms(engine, word, platforms, flags));
          const lines = [
            ...untagged.map((each) => `Untagged: ${each}\n`),
            ...deleted.map((each) => `Deleted: ${each}\n`),
          ];
          await io.stdout.write(lines.join(''));
        } catch (thrown) {
          if (io.signal.aborted) throw thrown;
          const missing = platforms === undefined && isFault(thrown, 'not_found');
          await io.stderr.write(missing ? `Error: No such image: ${word}\n` : `${said(thrown)}\n`);
          if (!missing || !flags.force) code = 1;
        }
      }
      return code;
    },
  });
