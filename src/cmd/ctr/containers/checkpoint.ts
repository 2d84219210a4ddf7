import { invalidArgument, isFault, messageOf } from '#base/errors';
import type { Scope } from '#core/scope';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';

export default command({
  name: 'checkpoint',
  summary: 'checkpoint a container',
  args: 'CONTAINER REF',
  description: 'Save a container as an image. A task that runs is paused meanwhile.',
  completes: ['containers', 'images'],
  flags: {
    rw: flag('include the rw layer in the checkpoint'),
    image: flag('include the image in the checkpoint'),
    task: flag('checkpoint container task'),
  },
  run: async ({ client, scope }, { io, args: [id, name], flags }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    if (name === undefined || name === '') throw invalidArgument('ref must be provided');
    const container = await client.containers.get(scope, id);
    const task = await client.tasks.state(scope, id, '').catch((thrown: unknown) => {
      if (isFault(thrown, 'not_found')) return undefined;
      throw thrown;
    });
    const pause = task?.status === 'running';
    if (pause) await client.tasks.pause(scope, id);
    try {
      const { checkpointContainer } = await import('#client/checkpoint');
      await checkpointContainer(client, scope, container, name, flags);
    } finally {
      // Also when the user has had enough of it.
      const after: Scope = { namespace: scope.namespace, signal: AbortSignal.timeout(30_000) };
      if (pause)
        await client.tasks
          .resume(after, id)
          .catch((thrown: unknown) => io.stderr.write(`error resuming task: ${messageOf(thrown)}\n`));
    }
    return 0;
  },
});
