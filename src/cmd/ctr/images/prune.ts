import { isFault, messageOf } from '#base/errors';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';

export default command({
  name: 'prune',
  summary: 'remove unused images',
  description: 'Remove images that no container of the namespace was made of.',
  flags: {
    all: flag('remove all unused images, not just dangling ones (if all is not specified no images will be pruned)'),
  },
  run: async ({ client, scope }, { io, flags }) => {
    if (!flags.all) {
      await io.stderr.write('No images pruned. `image prune` requires --all to be specified.\n');
      return 0;
    }
    const used = new Set((await client.containers.list(scope)).map(({ image }) => image));
    const unused = (await client.images.list(scope)).filter(({ name }) => !used.has(name));
    let failed: unknown;
    for (const [at, { name }] of unused.entries()) {
      try {
        // One collection for all: with the last.
        await client.images.delete(scope, name, { sync: at === unused.length - 1 });
        await io.stderr.write(`deleted image: ${name}\n`);
      } catch (thrown) {
        if (isFault(thrown, 'not_found')) continue;
        failed ??= thrown;
        await io.stderr.write(`unable to delete ${name}: ${messageOf(thrown)}\n`);
      }
    }
    if (failed !== undefined) throw failed;
    return 0;
  },
});
