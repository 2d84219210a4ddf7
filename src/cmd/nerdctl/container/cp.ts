import { resolve } from 'node:path';
import { archiveFrom, archiveInto, copyIn, copyOut } from '#ops/container/copy';
import { findContainer } from '#ops/container/find';
import { flag } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH',
    arity: [2, 2],
    completes: ['files', 'files'],
    flags: {
      quiet: flag('say nothing on a terminal', { alias: 'q' }),
      archive: flag('keep the owners', { alias: 'a' }),
      'follow-link': flag('a link that is named means what it leads to', { alias: 'L' }),
    },
    run: async (engine, { io, args: [from = '', to = ''], flags }) => {
      const [source, target] = [placeIn(from), placeIn(to)];
      const options = { archive: flags.archive, followLink: flags['follow-link'] };
      if (source.container !== '' && target.container !== '')
        throw new Exit(1, 'copying between containers is not supported');
      if (source.container === '' && target.container === '')
        throw new Exit(1, 'must specify at least one container source');
      const container = await findContainer(engine, source.container || target.container);
      if (source.path === '' || target.path === '') throw new Exit(1, 'source or destination can not be empty');
      if (to === '-')
        for await (const bytes of archiveFrom(engine, container, source.path, options)) await io.stdout.write(bytes);
      else if (from === '-')
        await archiveInto(engine, container, target.path, io.stdin as AsyncIterable<Uint8Array>, options);
      else if (source.container !== '') await copyOut(engine, container, source.path, keepEnd(io.cwd, to), options);
      else await copyIn(engine, container, keepEnd(io.cwd, from), target.path, options);
      // As docker does: whoever reads a pipe does not want to be told.
      if (io.stdout.isTTY && !flags.quiet && to !== '-') await io.stderr.write(`Successfully copied to ${to}\n`);
      return 0;
    },
  });

/** `name:path`; what begins like a path of this machine is one, whatever follows. */
function placeIn(word: string): { readonly container: string; readonly path: string } {
  const at = word.indexOf(':');
  if (at < 0 || word.startsWith('/') || word.startsWith('.')) return { container: '', path: word };
  return { container: word.slice(0, at), path: word.slice(at + 1) };
}

/** Absolute, with what says that it is a directory. */
function keepEnd(cwd: string, path: string): string {
  const [end = ''] = /\/\.?$/.exec(path) ?? [];
  const absolute = resolve(cwd, path);
  return absolute === '/' ? '/' : `${absolute}${end}`;
}
