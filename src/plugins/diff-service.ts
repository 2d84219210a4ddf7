import { flag, list, table, text } from '#base/config';
import { notFound } from '#base/errors';
import { activatingDiffer } from '#core/diff/activating';
import { Differ, OrderedDiffer } from '#core/diff/diff';
import { orderedDiffer } from '#core/diff/ordered';
import { MountManager } from '#core/mounts/mounts';
import { definePlugin } from '#core/plugin/plugin';
import { every, maybe } from '#core/plugin/slot';

/** The differs as one: the configured order decides who is asked first. */
export default definePlugin({
  slot: OrderedDiffer,
  id: 'diff-service',
  config: table({
    default: list(text(), { default: ['walking'], help: 'Differs by id, in the order in which they are asked.' }),
    sync_fs: flag({ help: 'Write every layer through to the disk, whether the client asks for it or not.' }),
  }),
  needs: { differs: every(Differ), mounts: maybe(MountManager) },
  start({ config }, { differs, mounts }) {
    const ordered = orderedDiffer(
      config.default.map((id) => {
        const differ = differs.get(id);
        if (differ === undefined) throw notFound(`differ ${JSON.stringify(id)} of the configured order`);
        return differ;
      }),
    );
    const differ = activatingDiffer(ordered, mounts);
    return config.sync_fs ? syncing(differ) : differ;
  },
});

function syncing(differ: Differ): Differ {
  const { unpack } = differ;
  return {
    ...differ,
    apply: (scope, layer, mounts, options) => differ.apply(scope, layer, mounts, { ...options, syncFs: true }),
    ...(unpack !== undefined && {
      unpack: (scope, layer, mounts, options) => unpack(scope, layer, mounts, { ...options, syncFs: true }),
    }),
  };
}
