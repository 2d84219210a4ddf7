import { findContainer } from '#ops/container/find';
import { renameContainer } from '#ops/container/rename';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER NEW_NAME',
    arity: [2, 2],
    completes: ['containers'],
    flags: {},
    run: async (engine, { args: [word = '', wanted = ''] }) => {
      await renameContainer(engine, await findContainer(engine, word), wanted);
      return 0;
    },
  });
