import { closeSync, constants, openSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isFault, notFound } from '#base/errors';
import type { Container } from '#core/containers/containers';
import type { Metadata } from '#core/metadata';
import type { Tasks } from '#core/runtime/tasks';
import type { Scope } from '#core/scope';
import { oPath } from '#sys/at';
import { withTempMount } from '#sys/mount';

export interface RootParts {
  readonly metadata: Pick<Metadata, 'containers' | 'snapshotters'>;
  readonly tasks: Pick<Tasks, 'state'>;
  readonly tempDir: string;
}

/** Runs `use` with a descriptor of the container's root, as its processes see it. @throws not_found for a container without files */
export async function withContainerRoot<T>(
  parts: RootParts,
  scope: Scope,
  id: string,
  use: (root: number) => Promise<T>,
): Promise<T> {
  const container = await parts.metadata.containers.get(scope, id);
  const live = await liveRoot(parts, scope, id);
  if (live !== undefined) return closing(live, use);
  const { snapshotter: name, snapshotKey } = container;
  if (snapshotKey === '') return closing(openRoot(rootInSpec(container)), use);
  const snapshotter = parts.metadata.snapshotters.get(name);
  if (snapshotter === undefined) throw notFound(`snapshotter ${JSON.stringify(name)}`);
  const mounts = await snapshotter.mounts(scope, snapshotKey);
  const options = parts.tempDir === '' ? {} : { tempDir: parts.tempDir };
  return withTempMount(mounts, (path) => closing(openRoot(path), use), options);
}

const openRoot = (path: string): number => openSync(path, oPath | constants.O_DIRECTORY);

async function closing<T>(fd: number, use: (fd: number) => Promise<T>): Promise<T> {
  try {
    return await use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Of the first process; `undefined` when there is none any more. */
async function liveRoot({ tasks }: RootParts, scope: Scope, id: string): Promise<number | undefined> {
  const pid = await pidOf(tasks, scope, id);
  if (pid === 0) return undefined;
  let root: number;
  try {
    // The kernel's link, not one that a container could have made.
    root = openRoot(`/proc/${pid}/root`);
  } catch (error) {
    if (isFault(error, 'not_found')) return undefined;
    throw error;
  }
  // Asked again, as it is held only now: pids are used again.
  if ((await pidOf(tasks, scope, id)) === pid) return root;
  closeSync(root);
  return undefined;
}

async function pidOf(tasks: RootParts['tasks'], scope: Scope, id: string): Promise<number> {
  try {
    const { pid, status } = await tasks.state(scope, id, '');
    return status === 'stopped' ? 0 : pid;
  } catch (error) {
    if (isFault(error, 'not_found')) return 0;
    throw error;
  }
}

/** Where the container's maker has put the files himself. */
function rootInSpec({ id, spec }: Container): string {
  try {
    const { root } = JSON.parse(new TextDecoder().decode(spec.value)) as { readonly root?: { readonly path?: string } };
    if (root?.path !== undefined && isAbsolute(root.path)) return join(root.path, '/');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw notFound(`files of container ${JSON.stringify(id)}, which has no task and no snapshot`);
}
