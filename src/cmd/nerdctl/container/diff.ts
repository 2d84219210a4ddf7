import { changesOf } from '#ops/container/changes';
import { findContainer } from '#ops/container/find';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER',
    arity: [1, 1],
    completes: ['containers'],
    flags: {},
    run: async (engine, { io, args: [word = ''] }) => {
      const changes = await changesOf(engine, await findContainer(engine, word));
      await io.stdout.write(changes.map(({ kind, path }) => `${kind} ${path}\n`).join(''));
      return 0;
    },
  });
