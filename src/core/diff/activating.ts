import { notImplemented } from '#base/errors';
import type { LocalMountManager } from '#core/mounts/mounts';
import type { Differ, LayerUnpack } from './diff.ts';

/** The differ, given mounts that the manager has made where they cannot be made as they are. */
export function activatingDiffer(differ: Differ, manager: LocalMountManager | undefined): Differ {
  if (manager === undefined) return differ;
  const { unpack } = differ;
  return {
    apply: (scope, layer, mounts, options) =>
      manager.during(scope, mounts, (ready) => differ.apply(scope, layer, ready, options)),
    compare: (scope, lower, upper, options) =>
      manager.during(scope, lower, (below) =>
        manager.during(scope, upper, (above) => differ.compare(scope, below, above, options)),
      ),
    ...(unpack !== undefined && {
      unpack: (scope, layer, mounts, options) =>
        manager.wants(mounts) ? refusal() : unpack.call(differ, scope, layer, mounts, options),
    }),
  };
}

/** Nobody waits for mounts before the first bytes: the caller then applies the whole layer. */
function refusal(): LayerUnpack {
  const done = Promise.reject(notImplemented('mounts that must be made first, while a layer arrives'));
  done.catch(() => {});
  return { done, arrived: () => {}, complete: () => {}, [Symbol.asyncDispose]: async () => {} };
}
