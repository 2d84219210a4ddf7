import { invalidArgument } from '#base/errors';
import { unpackSpec } from '#client/any-json';
import { createTask, deleteTaskIfThere } from '#client/task';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { connectIfWanted, disconnectIfConnected } from '../run/networking.ts';
import { writePidFile } from '../run/pid-file.ts';
import { withoutPivot } from '../run/runtime-options.ts';
import { follow } from './follow.ts';
import { chooseIo, consoleFor } from './io.ts';

export default command({
  name: 'start',
  summary: 'start a container that has been created',
  args: 'CONTAINER',
  completes: ['containers'],
  flags: {
    'no-pivot': flag('disable use of pivot-root (linux only)'),
    'null-io': flag('send all IO to /dev/null'),
    'log-uri': text('log uri'),
    'fifo-dir': text('directory used for storing IO FIFOs'),
    'pid-file': text("file path to write the task's pid"),
    detach: flag('detach from the task after it has started execution', { alias: 'd' }),
  },
  run: async (session, { io, args: [id], flags }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    const { client, scope } = session;
    const container = await client.containers.get(scope, id);
    const tty = unpackSpec(container.spec).process?.terminal ?? false;
    using _console = consoleFor(io, tty);
    const choice = {
      tty,
      nullIo: flags['null-io'],
      logUri: flags['log-uri'],
      fifoDir: flags['fifo-dir'],
      keep: flags.detach,
    };
    await using taskIo = await chooseIo(io, id, choice);
    const { pid } = await createTask(
      client,
      scope,
      container,
      taskIo.stdio,
      flags['no-pivot'] ? { options: withoutPivot(container.runtime) } : {},
    );
    const begin = async () => void (await client.tasks.start(scope, id, ''));
    try {
      await connectIfWanted(io, scope, container, pid);
    } catch (thrown) {
      await deleteTaskIfThere(client, scope, id);
      throw thrown;
    }
    await writePidFile(flags['pid-file'], container, pid);
    if (flags.detach) {
      await begin();
      return 0;
    }
    try {
      return (await follow(session, io, { id, execId: '', tty, taskIo }, begin)).exitStatus;
    } finally {
      await deleteTaskIfThere(client, scope, id);
      await disconnectIfConnected(io, scope, container);
    }
  },
});
