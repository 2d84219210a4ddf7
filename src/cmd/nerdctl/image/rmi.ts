import { isFault } from '#base/errors';
import { removeImage } from '#ops/image/remove';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { said } from '../words.ts';

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
    },
    run: async (engine, { io, args, flags }) => {
      let code = 0;
      // One after the other: a later word may mean what an earlier one left.
      for (const word of args) {
        try {
          const { untagged, deleted } = await removeImage(engine, word, flags);
          const lines = [
            ...untagged.map((each) => `Untagged: ${each}\n`),
            ...deleted.map((each) => `Deleted: ${each}\n`),
          ];
          await io.stdout.write(lines.join(''));
        } catch (thrown) {
          if (io.signal.aborted) throw thrown;
          const missing = isFault(thrown, 'not_found');
          await io.stderr.write(missing ? `Error: No such image: ${word}\n` : `${said(thrown)}\n`);
          if (!missing || !flags.force) code = 1;
        }
      }
      return code;
    },
  });
