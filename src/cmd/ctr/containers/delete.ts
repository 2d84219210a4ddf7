import { failedPrecondition, invalidArgument, isFault, messageOf } from '#base/errors';
import { deleteContainerIfThere } from '#client/task';
import { flag } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { command, type Session } from '../globals.ts';
import { disconnectIfConnected } from '../run/networking.ts';

export default command({
  name: 'delete',
  aliases: ['del', 'remove', 'rm'],
  summary: 'delete one or more existing containers',
  args: '[flags] CONTAINER [CONTAINER, ...]',
  completes: ['containers...'],
  flags: { 'keep-snapshot': flag('do not clean up snapshot with container') },
  run: async (session, { io, args, flags }) => {
    if (args.length === 0) throw invalidArgument('must specify at least one container to delete');
    let failed: unknown;
    for (const id of args) {
      try {
        await remove(session, io, id, flags['keep-snapshot']);
      } catch (thrown) {
        failed ??= thrown;
        await io.stderr.write(`failed to delete container ${JSON.stringify(id)}: ${messageOf(thrown)}\n`);
      }
    }
    if (failed !== undefined) throw failed;
    return 0;
  },
});

/** Removes a container that does not run, and its task if one is left of it. */
async function remove({ client, scope }: Session, io: Io, id: string, keepSnapshot: boolean): Promise<void> {
  const container = await client.containers.get(scope, id);
  const task = await client.tasks.state(scope, id, '').catch((thrown: unknown) => {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  });
  if (task !== undefined) {
    if (task.status !== 'stopped' && task.status !== 'created')
      throw failedPrecondition(`cannot delete a non stopped container: ${task.status}`);
    await client.tasks.delete(scope, id);
    await disconnectIfConnected(io, scope, container);
  }
  await deleteContainerIfThere(client, scope, keepSnapshot ? { ...container, snapshotKey: '' } : container);
}
