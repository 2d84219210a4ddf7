import { resolve } from 'node:path';
import { invalidArgument } from '#base/errors';
import { loadImages } from '#ops/image/archives';
import { familiarOf } from '#ops/image/find';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { fileBytes } from './file-bytes.ts';
import { platformFlags, platformsOf } from './platforms.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: {
      ...platformFlags,
      input: text('Read from tar archive file, instead of STDIN', { alias: 'i', completes: 'files' }),
      quiet: flag('Suppress the load output', { alias: 'q' }),
    },
    run: async (engine, { io, flags }) => {
      if (flags.input === '' && io.stdin.isTTY) throw invalidArgument('requested load from stdin, but stdin is empty');
      const archive = flags.input === '' ? io.stdin : fileBytes(resolve(io.cwd, flags.input));
      const platforms = platformsOf(flags);
      const images = await loadImages(engine, archive, platforms === undefined ? {} : { platforms });
      if (!flags.quiet) for (const image of images) await io.stdout.write(`Loaded image: ${familiarOf(image.name)}\n`);
      return 0;
    },
  });
