import { randomUUID } from 'node:crypto';
import type { Mount } from '#core/mount';
import type { Scope } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';

/** Mounts that show a snapshot as it is: a view where it is committed, its own mounts where it is active. The view goes when disposed. */
export async function sealedView(
  snapshotter: Snapshotter,
  scope: Scope,
  key: string,
): Promise<AsyncDisposable & { readonly mounts: readonly Mount[] }> {
  const { kind } = await snapshotter.stat(scope, key);
  if (kind !== 'committed')
    return { mounts: await snapshotter.mounts(scope, key), [Symbol.asyncDispose]: async () => {} };
  const name = `${key}-view-${randomUUID()}`;
  const mounts = await snapshotter.view(scope, name, key);
  return { mounts, [Symbol.asyncDispose]: () => snapshotter.remove(scope, name) };
}
