import { parseDockerReference } from '#lib/docker-reference';
import type { CreateOptions } from '#ops/container/create-options';
import type { Io } from '../../cli/io.ts';
import { shown } from '../image/shown.ts';
import { registryOptions } from '../registry.ts';

/** How an image is fetched that is not here, and shown on stderr, as the container's output is not to be mixed with it. */
export const pullNotice = (io: Io, quiet: boolean): Pick<CreateOptions, 'pulling'> => ({
  pulling: {
    registry: (config, image) => registryOptions(io, config, parseDockerReference(image).host),
    shown: async (image, work) => {
      if (!quiet) await io.stderr.write(`Unable to find image '${image}' locally\n`);
      return await shown({ ...io, stdout: io.stderr }, image, quiet, work);
    },
  },
});
