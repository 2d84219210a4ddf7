import { open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { exportContainer } from '#ops/container/changes';
import { findContainer } from '#ops/container/find';
import { text } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER',
    arity: [1, 1],
    completes: ['containers'],
    flags: { output: text('the file to write', { alias: 'o', completes: 'files' }) },
    run: async (engine, { io, args: [word = ''], flags }) => {
      if (flags.output === '' && io.stdout.isTTY)
        throw new Exit(1, 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
      const container = await findContainer(engine, word);
      const archive = exportContainer(engine, container);
      if (flags.output === '') for await (const bytes of archive) await io.stdout.write(bytes);
      else await toFile(resolve(io.cwd, flags.output), archive);
      return 0;
    },
  });

/** The file is there when all of it is. */
async function toFile(path: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  try {
    {
      await using file = await open(draft, 'wx', 0o600);
      for await (const bytes of archive) await file.writeFile(bytes);
    }
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw thrown;
  }
}
