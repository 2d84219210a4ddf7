import { writeFile } from 'node:fs/promises';
import { invalidArgument } from '#base/errors';
import { unpackSpec } from '#client/any-json';
import { createTask, deleteTaskIfThere } from '#client/task';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { follow } from './follow.ts';
import { chooseIo, consoleFor } from './io.ts';

export default command({
  name: 'start',
  summary: 'start a container that has been created',
  args: 'CONTAINER',
  flags: {
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
    const { pid } = await createTask(client, scope, container, taskIo.stdio);
    const begin = async () => void (await client.tasks.start(scope, id, ''));
    if (flags['pid-file'] !== '') await writeFile(flags['pid-file'], String(pid));
    if (flags.detach) {
      await begin();
      return 0;
    }
    try {
      return (await follow(session, io, { id, execId: '', tty, taskIo }, begin)).exitStatus;
    } finally {
      await deleteTaskIfThere(client, scope, id);
    }
  },
});
