import { invalidArgument } from '#base/errors';
import { createTask, deleteContainerIfThere, deleteTaskIfThere } from '#client/task';
import type { Container } from '#core/containers/containers';
import { type CtrInvocation, command, type Session } from '../globals.ts';
import { follow } from '../tasks/follow.ts';
import { chooseIo, consoleFor } from '../tasks/io.ts';
import { containerFlags, runFlags } from './container-flags.ts';
import { idMappings } from './id-mappings.ts';
import { connectTask, disconnectTask } from './networking.ts';
import { newContainer, readWords } from './new-container.ts';
import { writePidFile } from './pid-file.ts';
import { taskOptions } from './runtime-options.ts';

const flags = { ...runFlags, ...containerFlags };

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '[flags] Image|RootFS ID [COMMAND] [ARG...]',
    completes: ['images'],
    flags,
    run: async (session, invocation) => {
      const { flags: chosen, args, given, io } = invocation;
      const words = readWords(args, chosen);
      if (chosen.rm && chosen.detach) throw invalidArgument('flags --detach and --rm cannot be specified together');
      const container = await newContainer(session, {
        ...words,
        flags: chosen,
        given,
        cwd: io.cwd,
        environment: io.env,
      });
      try {
        return await runTask(session, invocation, container);
      } finally {
        if (chosen.rm) await deleteContainerIfThere(session.client, session.scope, container);
      }
    },
  });

async function runTask(
  session: Session,
  { flags: chosen, io }: CtrInvocation<typeof flags>,
  container: Container,
): Promise<number> {
  const { client, scope } = session;
  const { id } = container;
  const { tty, detach } = chosen;
  using _console = consoleFor(io, tty);
  const choice = {
    tty,
    nullIo: chosen['null-io'],
    logUri: chosen['log-uri'],
    fifoDir: chosen['fifo-dir'],
    keep: detach,
  };
  await using taskIo = await chooseIo(io, id, choice);
  const options = taskOptions(chosen, {
    noPivotRoot: chosen['no-pivot'],
    ...(idMappings(chosen) ?? { uids: [], gids: [] }),
  });
  const { pid } = await createTask(client, scope, container, taskIo.stdio, options === undefined ? {} : { options });
  const begin = async () => void (await client.tasks.start(scope, id, ''));
  let connected = false;
  try {
    if (chosen.cni) await connectTask(io, scope, id, pid);
    connected = chosen.cni;
    await writePidFile(chosen['pid-file'], container, pid);
    if (!detach) return (await follow(session, io, { id, execId: '', tty, taskIo }, begin)).exitStatus;
    await begin();
    return 0;
  } catch (thrown) {
    // A task that was never started is nobody's to keep.
    if (detach) await deleteTaskIfThere(client, scope, id);
    throw thrown;
  } finally {
    if (!detach) {
      await deleteTaskIfThere(client, scope, id, chosen.rm ? 'kill' : 'leave');
      if (connected) await disconnectTask(io, scope, id);
    }
  }
}
