import { resolve } from 'node:path';
import { invalidArgument } from '#base/errors';
import { saveImages } from '#ops/image/archives';
import { flag, text } from '../../cli/flags.ts';
import { writeArchive } from '../../ctr/images/export.ts';
import { command } from '../globals.ts';
import { platformFlags, platformsOf } from './platforms.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'IMAGE [IMAGE...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['images...'],
    flags: {
      ...platformFlags,
      quiet: flag('', { alias: 'q', refused: 'there is nothing else that is said' }),
      output: text('Write to a file, instead of STDOUT', { alias: 'o', completes: 'files' }),
    },
    run: async (engine, { io, flags, args }) => {
      if (flags.output === '' && io.stdout.isTTY)
        throw invalidArgument('cowardly refusing to save to a terminal. Use the -o flag or redirect');
      const platforms = platformsOf(flags);
      const archive = await saveImages(engine, args, platforms === undefined ? {} : { platforms });
      if (flags.output !== '') await writeArchive(resolve(io.cwd, flags.output), archive);
      else for await (const bytes of archive) await io.stdout.write(bytes);
      return 0;
    },
  });
