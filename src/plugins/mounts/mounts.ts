import { dirname, join } from 'node:path';
import { flag, table } from '#base/config';
import { Metadata } from '#core/metadata';
import { MountHandler, MountManager } from '#core/mounts/mounts';
import { definePlugin } from '#core/plugin/plugin';
import { every, one } from '#core/plugin/slot';
import { AllowedRoots } from './allowed-roots.ts';
import { SystemMountManager } from './mount-manager.ts';

/** Mounts that the daemon makes and looks after. What they make on disk lies below the daemon's root, or in one another. */
export default definePlugin({
  slot: MountManager,
  id: 'bolt', // containerd's name for it
  config: table({
    no_sync: flag({
      help: 'Kept for configurations that have it: records of mounts, which outlive no boot, are never waited for.',
    }),
  }),
  needs: { metadata: one(Metadata), handlers: every(MountHandler) },
  start({ rootDir, stateDir, log }, { metadata, handlers }) {
    const directory = join(stateDir, 't');
    return SystemMountManager.open({
      directory,
      handlers,
      roots: new AllowedRoots([directory, dirname(rootDir)]),
      leases: metadata.leases,
      collect: (collectible) => metadata.addCollectible(collectible),
      log,
    });
  },
});
