import type { CreateOptions } from '#ops/container/create-options';
import type { Io } from '../../cli/io.ts';

/** Tells on stderr that an image is fetched, as docker does. */
export const pullNotice = (io: Io, quiet: boolean): Pick<CreateOptions, 'onPull'> => ({
  onPull: (image) => {
    if (!quiet) void io.stderr.write(`Unable to find image '${image}' locally\n`).catch(() => {}); // a reader that has gone misses nothing
  },
});
