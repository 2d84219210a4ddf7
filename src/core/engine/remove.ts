import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { failedPrecondition, isFault, wrap } from '#base/errors';
import type { Container, ContainerStore } from '#core/containers/containers';
import type { Scope } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { type ContainerSettings, settingsOf } from './container-settings.ts';
import { layoutAt } from './layout.ts';
import { releaseName } from './names.ts';

/** Stores with whose help a container goes: the daemon's own, or a client's. */
export interface RemovalParts {
  readonly containers: Pick<ContainerStore, 'delete' | 'list'>;
  snapshotter(scope: Scope, name: string): Promise<Pick<Snapshotter, 'remove'>>;
}

/**
 * Removes a container that has no task: its snapshot, its files, its name, with `volumes` those that go with it, and at last its record, by which
 * a removal that was cut short is found and finished. What is gone already is no error.
 */
export async function removeContainer(
  parts: RemovalParts,
  scope: Scope,
  container: Container,
  { volumes }: { readonly volumes: boolean },
): Promise<void> {
  const { id, snapshotter: name, snapshotKey } = container;
  if (snapshotKey !== '')
    await (await parts.snapshotter(scope, name)).remove(scope, snapshotKey).catch(unless('not_found'));
  const settings = readableSettings(container);
  if (settings !== undefined) {
    if (volumes) await removeVolumes(parts, scope, id, settings);
    await removeFiles(scope, id, settings);
  }
  await parts.containers.delete(scope, id).catch(unless('not_found'));
}

/** Its own directory, its hosts file and its name. Never anything that is not below the data store. */
async function removeFiles({ namespace }: Scope, id: string, settings: ContainerSettings): Promise<void> {
  const layout = layoutAt(settings.dataStore);
  await releaseName(layout.names(namespace), { name: settings.name, id });
  for (const directory of [layout.hosts(namespace, id), layout.container(namespace, id)]) await removeTree(directory);
}

const attempts = 50;
const pauseMs = 20;

/** With what others are still writing into it: of a tree that changes meanwhile, a removal may leave some and not say so. */
async function removeTree(directory: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const failed = await rm(directory, { recursive: true, force: true }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (failed === undefined && !existsSync(directory)) return;
    if (attempt === attempts) throw wrap(failed ?? failedPrecondition('it is written into all the time'), directory);
    await wait(pauseMs);
  }
}

/** Those without a name of the user's that no other container has. */
async function removeVolumes(
  parts: RemovalParts,
  scope: Scope,
  id: string,
  { anonymousVolumes, dataStore }: ContainerSettings,
): Promise<void> {
  if (anonymousVolumes.length === 0) return;
  const used = await volumesOfOthers(parts, scope, id);
  const volumes = layoutAt(dataStore).volumes(scope.namespace);
  for (const name of anonymousVolumes)
    if (isPlainName(name) && !used.has(name)) await rm(join(volumes, name), { recursive: true, force: true });
}

async function volumesOfOthers(parts: RemovalParts, scope: Scope, id: string): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for (const other of await parts.containers.list(scope)) {
    if (other.id === id) continue;
    for (const mount of mountsOf(other)) used.add(mount.name);
  }
  return used;
}

const mountsOf = (container: Container): ContainerSettings['mounts'] => readableSettings(container)?.mounts ?? [];

/** Of settings that nobody can read no files and no volumes are known, and the container can be removed all the same. */
function readableSettings(container: Container): ContainerSettings | undefined {
  try {
    return settingsOf(container);
  } catch (thrown) {
    if (!isFault(thrown, 'invalid_argument')) throw thrown;
    return undefined;
  }
}

const isPlainName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name);

const unless =
  (cls: Parameters<typeof isFault>[1]) =>
  (thrown: unknown): undefined => {
    if (!isFault(thrown, cls)) throw thrown;
    return undefined;
  };
