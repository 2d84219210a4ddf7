import { invalidArgument } from '#base/errors';
import { packProcess, unpackSpec } from '#client/any-json';
import { userInContainer } from '#client/container-user';
import { deleteProcessIfThere } from '#client/task';
import type { Process } from '#lib/oci/spec/spec';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { follow } from './follow.ts';
import { chooseIo, consoleFor } from './io.ts';

export default command({
  name: 'exec',
  summary: 'execute additional processes in an existing container',
  args: '[flags] CONTAINER CMD [ARG...]',
  completes: ['tasks'],
  flags: {
    cwd: text('working directory of the new process'),
    tty: flag('allocate a TTY for the container', { alias: 't' }),
    detach: flag('detach from the task after it has started execution', { alias: 'd' }),
    'exec-id': text('exec specific id for the process'),
    'fifo-dir': text('directory used for storing IO FIFOs'),
    'log-uri': text('log uri for custom shim logging'),
    user: text('user id or name'),
  },
  run: async (session, { io, args: [id, ...words], flags }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    const { client, scope } = session;
    const container = await client.containers.get(scope, id);
    const spec = unpackSpec(container.spec);
    const { tty, 'exec-id': execId } = flags;
    if (spec.process === undefined) throw invalidArgument(`container ${id} has no process to take after`);
    const process: Process = {
      ...spec.process,
      terminal: tty,
      args: words,
      ...(flags.cwd === '' ? {} : { cwd: flags.cwd }),
      ...(flags.user === '' ? {} : { user: await userInContainer(client, scope, container, flags.user) }),
    };
    using _console = consoleFor(io, tty);
    const choice = { tty, logUri: flags['log-uri'], fifoDir: flags['fifo-dir'], keep: flags.detach };
    await using taskIo = await chooseIo(io, execId, choice);
    await client.tasks.exec(scope, id, { execId, ...taskIo.stdio, spec: packProcess(process) });
    const begin = async () => void (await client.tasks.start(scope, id, execId));
    if (flags.detach) {
      await begin();
      return 0;
    }
    try {
      return (await follow(session, io, { id, execId, tty, taskIo }, begin)).exitStatus;
    } finally {
      await deleteProcessIfThere(client, scope, id, execId, 'kill');
    }
  },
});
