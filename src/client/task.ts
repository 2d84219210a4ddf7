import type { Any } from '#base/any';
import { isFault } from '#base/errors';
import type { Container } from '#core/containers/containers';
import type { Descriptor } from '#core/descriptor';
import type { Mount } from '#core/mount';
import type { Stdio } from '#core/runtime/runtime';
import type { Scope } from '#core/scope';
import type { Client } from './client.ts';

export interface TaskOptions {
  readonly options?: Any;
  readonly checkpoint?: Descriptor;
  /** Its snapshot's mounts, where they are known already. */
  readonly rootfs?: readonly Mount[];
}

/** Makes a container's task on its own snapshot, where it has one. @throws as Tasks.create and Snapshotter.mounts */
export async function createTask(
  client: Client,
  scope: Scope,
  container: Container,
  stdio: Stdio,
  { rootfs: known, ...options }: TaskOptions = {},
): Promise<{ readonly pid: number }> {
  const { id, snapshotKey, snapshotter } = container;
  const mounts = async () => await (await client.snapshotter(scope, snapshotter)).mounts(scope, snapshotKey);
  const rootfs = known ?? (snapshotKey === '' ? [] : await mounts());
  return client.tasks.create(scope, id, { rootfs, ...stdio, ...options });
}

/** What becomes of a process that still runs when the work with it is over, because that was cut short. */
export type StillRunning = 'leave' | 'kill';

/** Deletes a task after the work with it; that it is gone already is no error. Works also when the work was interrupted. */
export async function deleteTaskIfThere(
  client: Client,
  scope: Scope,
  id: string,
  running: StillRunning = 'leave',
): Promise<void> {
  const after = afterwards(scope);
  await deleteOrKill(running, {
    delete: () => client.tasks.delete(after, id),
    wait: () => client.tasks.wait(after, id, ''),
    kill: () => client.tasks.kill(after, id, { execId: '', signal: sigkill, all: true }),
  });
}

/** The same for an exec'd process. */
export async function deleteProcessIfThere(
  client: Client,
  scope: Scope,
  id: string,
  execId: string,
  running: StillRunning = 'leave',
): Promise<void> {
  const after = afterwards(scope);
  await deleteOrKill(running, {
    delete: () => client.tasks.deleteProcess(after, id, execId),
    wait: () => client.tasks.wait(after, id, execId),
    kill: () => client.tasks.kill(after, id, { execId, signal: sigkill, all: false }),
  });
}

const sigkill = 9;

async function deleteOrKill(
  running: StillRunning,
  calls: Readonly<Record<'delete' | 'wait' | 'kill', () => Promise<unknown>>>,
): Promise<void> {
  try {
    await calls.delete().catch(async (thrown: unknown) => {
      if (isFault(thrown, 'not_found')) return;
      if (running === 'leave') {
        if (!isFault(thrown, 'failed_precondition')) throw thrown; // it runs: it is left
        return;
      }
      const ended = calls.wait();
      ended.catch(() => {}); // the kill's failure counts
      await calls.kill();
      await ended;
      await calls.delete();
    });
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw thrown;
  }
}

/** Removes a container with its snapshot; that they are gone already is no error. Works also when the work was interrupted. */
export async function deleteContainerIfThere(
  client: Client,
  scope: Scope,
  container: Pick<Container, 'id' | 'snapshotter' | 'snapshotKey'>,
): Promise<void> {
  const { id, snapshotter, snapshotKey } = container;
  const after = afterwards(scope);
  const steps = [
    async () =>
      snapshotKey === '' ? undefined : (await client.snapshotter(after, snapshotter)).remove(after, snapshotKey),
    async () => client.containers.delete(after, id),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (thrown) {
      if (!isFault(thrown, 'not_found')) throw thrown;
    }
  }
}

/** The same scope for cleaning up: the user's interruption has ended the work, not the duty to clean up. */
const afterwards = ({ namespace }: Scope): Scope => ({ namespace, signal: AbortSignal.timeout(30_000) });
