import { invalidArgument } from '#base/errors';
import { deleteTaskIfThere } from '#client/task';
import { command } from '../globals.ts';
import { follow } from './follow.ts';
import { attachIo, consoleFor } from './io.ts';

export default command({
  name: 'attach',
  summary: 'attach to the IO of a running container',
  args: 'CONTAINER',
  completes: ['tasks'],
  flags: {},
  run: async (session, { io, args: [id] }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    const { client, scope } = session;
    const process = await client.tasks.state(scope, id, '');
    const tty = process.terminal;
    using _console = consoleFor(io, tty);
    await using taskIo = attachIo(io, process);
    const exit = await follow(session, io, { id, execId: '', tty, taskIo }, async () => {});
    await deleteTaskIfThere(client, scope, id);
    return exit.exitStatus;
  },
});
