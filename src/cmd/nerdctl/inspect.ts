import { invalidArgument, isFault, notFound } from '#base/errors';
import { findContainerIfThere } from '#ops/container/find';
import type { Engine } from '#ops/engine';
import { findImageIfThere } from '#ops/image/find';
import { flag, text } from '../cli/flags.ts';
import { inspectedContainer } from './container/inspected.ts';
import { inspectEach } from './format/inspect.ts';
import { command } from './globals.ts';
import { inspectedImage } from './image/inspected.ts';

interface Wanted {
  readonly mode: string;
  readonly size: boolean;
}

/** What a word may mean, in docker's order. Undefined from one that knows nothing of it. */
const kinds: Readonly<Record<string, (engine: Engine, word: string, wanted: Wanted) => Promise<unknown>>> = {
  container: async (engine, word, wanted) => {
    const container = await findContainerIfThere(engine, word);
    return container === undefined ? undefined : inspectedContainer(engine, container, wanted);
  },
  image: async (engine, word, { mode }) => {
    const found = await findImageIfThere(engine, word);
    return found === undefined ? undefined : inspectedImage(engine, found, { mode, platform: '' });
  },
  network: async (engine, word) => {
    const { inspectNetwork } = await import('#ops/networks/inspect');
    return await ifThere(inspectNetwork(engine, word));
  },
  volume: async (engine, word, { size }) => {
    const { inspectVolume } = await import('#ops/volume/inspect');
    return await ifThere(inspectVolume(engine, word, { size }));
  },
};

async function ifThere(found: Promise<unknown>): Promise<unknown> {
  try {
    return await found;
  } catch (thrown) {
    // A word that can be no name of such a thing may mean another.
    if (isFault(thrown, 'not_found') || isFault(thrown, 'invalid_argument')) return undefined;
    throw thrown;
  }
}

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'NAME|ID [NAME|ID...]',
    arity: [1, Number.POSITIVE_INFINITY],
    completes: ['containers...'],
    flags: {
      format: text("'json' or a Go template", { alias: 'f' }),
      mode: text("'dockercompat', or 'native' for what the daemon keeps", { default: 'dockercompat' }),
      size: flag('Display total file sizes of containers and volumes', { alias: 's' }),
      type: text(`only things of this type: ${Object.keys(kinds).join(', ')}`),
    },
    run: (engine, { io, args, flags }) => {
      const { type } = flags;
      if (type !== '' && !Object.hasOwn(kinds, type))
        throw invalidArgument(`${JSON.stringify(type)} is not a valid value for --type`);
      return inspectEach(io, flags.format, args, async (word) => {
        for (const [kind, find] of Object.entries(kinds)) {
          const found = type === '' || type === kind ? await find(engine, word, flags) : undefined;
          if (found !== undefined) return found;
        }
        throw notFound(`No such ${type === '' ? 'object' : type}: ${word}`);
      });
    },
  });
