import { number, table } from '#base/config';
import { Differ } from '#core/diff/diff';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Applier } from './applier.ts';
import { Comparer } from './comparer.ts';
import { UnpackThreads } from './unpack-threads.ts';

/** Turns layers into trees by unpacking them, and trees into layers by walking over both. */
export default definePlugin({
  slot: Differ,
  id: 'walking',
  config: table({
    max_layer_size: number({
      default: 1 << 20,
      min: 1,
      help: 'Most MiB that one layer may have, uncompressed and unpacked (holes of sparse files included).',
    }),
    max_layer_files: number({ default: 10_000_000, min: 1, help: 'Most files that one layer may bring.' }),
    max_concurrent_unpacks: number({
      default: 4,
      min: 1,
      help: 'Layers unpacked at the same time, by two or three threads each; more wait.',
    }),
  }),
  needs: { metadata: one(Metadata) },
  start({ config, daemon, log }, { metadata }) {
    const threads = new UnpackThreads({ most: config.max_concurrent_unpacks, idleMs: 5_000, lastIdleMs: 30_000 });
    const { content } = metadata;
    const limits = { maxBytes: config.max_layer_size * 1024 * 1024, maxEntries: config.max_layer_files };
    const { tempDir } = daemon;
    const applier = new Applier({ content, threads, processors: daemon.streamProcessors, tempDir, limits, log });
    const comparer = new Comparer({ content, tempDir });
    return {
      apply: applier.apply.bind(applier),
      unpack: applier.unpack.bind(applier),
      compare: comparer.compare.bind(comparer),
      [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
    };
  },
});
