import { expect } from 'bun:test';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import type { Collectible } from '#core/gc/collectible';
import type { MountHandler } from '#core/mounts/mounts';
import { openTestMetadata, type TestMetadata } from '#plugins/metadata/metadata.fixture';
import { mountsBelow } from '#sys/mountinfo';
import { AllowedRoots } from './allowed-roots.ts';
import { loopHandler } from './loop.ts';
import { SystemMountManager } from './mount-manager.ts';

let runs = 0;

/** A manager in directories of its own below the given one; disposing it expects that nothing is left mounted. */
export async function rig(directory: string, handlers: Readonly<Record<string, MountHandler>> = {}) {
  const home = join(directory, String(runs++));
  const [targets, data] = [join(home, 't'), join(home, 'data')];
  mkdirSync(data, { recursive: true });
  const test: TestMetadata = await openTestMetadata();
  const start = () =>
    SystemMountManager.open({
      directory: targets,
      handlers: new Map(Object.entries({ loop: loopHandler, ...handlers })),
      roots: new AllowedRoots([targets, data]),
      leases: test.metadata.leases,
      collect: (collectible: Collectible) => test.metadata.addCollectible(collectible),
      log: silent,
    });
  let manager = await start();
  return {
    ...{ data, targets, metadata: test.metadata },
    get mounts() {
      return manager;
    },
    async restart() {
      await manager[Symbol.asyncDispose]();
      manager = await start();
    },
    collect: () => test.metadata.collect(AbortSignal.timeout(60_000)),
    async [Symbol.asyncDispose]() {
      await manager[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      expect(mountsBelow(home)).toEqual([]);
      expect(readdirSync(targets)).toEqual([]);
    },
  };
}
