import { mkdtempSync, rmSync } from 'node:fs';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { SnapshotterSubject } from '#core/snapshots/snapshotter.suite';
import { withTempMount } from '#sys/mount';
import { mountsBelow } from '#sys/mountinfo';

/** A snapshotter on a new directory below `base`, for the contract suite; the directory goes with it, and nothing may be mounted in it then. */
export async function mountedSubject(
  base: string,
  open: (root: string) => Promise<Snapshotter>,
): Promise<SnapshotterSubject & { readonly root: string }> {
  const root = mkdtempSync(`${base}/berth-snapshots-`);
  const store = await open(root);
  return {
    store,
    root,
    mounted: (mounts, use) => withTempMount(mounts, async (mounted) => use(mounted), { tempDir: root }),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]?.();
      if (mountsBelow(root).length > 0) throw new Error(`something is still mounted below ${root}`);
      rmSync(root, { recursive: true });
    },
  };
}
