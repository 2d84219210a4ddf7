import { constants } from 'node:os';
import { failedPrecondition, isFault, messageOf } from '#base/errors';
import type { ProcessExit } from '#core/runtime/runtime';
import { flag, text } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { command, type Session } from '../globals.ts';
import { disconnectIfConnected } from '../run/networking.ts';

export default command({
  name: 'delete',
  aliases: ['del', 'remove', 'rm'],
  summary: 'delete one or more tasks',
  args: 'CONTAINER [CONTAINER, ...]',
  completes: ['tasks...'],
  flags: { force: flag('force delete task process', { alias: 'f' }), 'exec-id': text('process ID to kill') },
  run: async (session, { io, args, flags }) => {
    const execId = flags['exec-id'];
    if (execId !== '') return (await deleteProcess(session, args[0] ?? '', execId, flags.force)).exitStatus;
    let failed: unknown;
    for (const id of args) {
      try {
        const { exitStatus } = await deleteTask(session, io, id, flags.force);
        if (exitStatus !== 0) await io.stderr.write(`task ${id} exit with non-zero exit code ${exitStatus}\n`);
      } catch (thrown) {
        failed ??= thrown;
        await io.stderr.write(`unable to delete ${id}: ${messageOf(thrown)}\n`);
      }
    }
    if (failed !== undefined) throw failed;
    return 0;
  },
});

/** Deletes a task that has ended or never began; with `force`, ends it first. @throws failed_precondition while it runs */
export async function deleteTask(session: Session, io: Io, id: string, force: boolean): Promise<ProcessExit> {
  const { client, scope } = session;
  if (force) await end(session, id, '');
  const { status } = await client.tasks.state(scope, id, '');
  if (status !== 'stopped' && status !== 'created')
    throw failedPrecondition(`task must be stopped before deletion: ${status}`);
  const exit = await client.tasks.delete(scope, id);
  const container = await client.containers.get(scope, id).catch((thrown: unknown) => {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  });
  if (container !== undefined) await disconnectIfConnected(io, scope, container);
  return exit;
}

async function deleteProcess(session: Session, id: string, execId: string, force: boolean): Promise<ProcessExit> {
  if (force) await end(session, id, execId);
  return session.client.tasks.deleteProcess(session.scope, id, execId);
}

/** Kills and waits for the end; a process that has ended already is no error. */
async function end({ client, scope }: Session, id: string, execId: string): Promise<void> {
  const ended = client.tasks.wait(scope, id, execId);
  ended.catch(() => {});
  try {
    await client.tasks.kill(scope, id, { execId, signal: constants.signals.SIGKILL, all: execId === '' });
  } catch (thrown) {
    if (!isFault(thrown, 'not_found') && !isFault(thrown, 'failed_precondition')) throw thrown;
    return;
  }
  await ended;
}
