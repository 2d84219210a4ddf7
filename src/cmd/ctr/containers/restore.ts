import { invalidArgument, isFault, notFound } from '#base/errors';
import { createTask, deleteContainerIfThere, deleteTaskIfThere } from '#client/task';
import { pull } from '#client/transfer';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { chooseIo } from '../tasks/io.ts';

export default command({
  name: 'restore',
  summary: 'restore a container from checkpoint',
  args: 'CONTAINER REF',
  description: 'Make a container of a checkpoint, fetched if it is not here, and start it.',
  completes: ['', 'images'],
  flags: {
    rw: flag('restore the rw layer from the checkpoint'),
    live: flag('restore the runtime and memory data from the checkpoint'),
  },
  run: async ({ client, scope }, { io, args: [id, name], flags }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    if (name === undefined || name === '') throw invalidArgument('ref must be provided');
    const image = await client.images.get(scope, name).catch((thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) throw thrown;
      return pull(client, scope, name, { unpack: false, platforms: 'all' });
    });
    const { restoreContainer } = await import('#client/checkpoint');
    const { container, checkpoint } = await restoreContainer(client, scope, id, image, flags);
    try {
      if (flags.live && checkpoint === undefined) throw notFound(`a task in checkpoint ${name}`);
      await using taskIo = await chooseIo(io, id, { tty: false, keep: true });
      const options = flags.live && checkpoint !== undefined ? { checkpoint } : {};
      await createTask(client, scope, container, taskIo.stdio, options);
      await client.tasks.start(scope, id, '');
    } catch (thrown) {
      await deleteTaskIfThere(client, scope, id);
      await deleteContainerIfThere(client, scope, container);
      throw thrown;
    }
    return 0;
  },
});
