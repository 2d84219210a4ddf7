import { packProcess, packSpec } from '#client/any-json';
import type { Client } from '#client/client';
import { createTask } from '#client/task';
import { nullIo, type TaskIo } from '#client/task-io';
import type { Container } from '#core/containers/containers';
import type { Scope } from '#core/scope';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import type { Spec } from '#lib/oci/spec/spec';

const environment = ['PATH=/bin'];

export interface RunOptions {
  /** Top snapshot of the image; see `topSnapshot`. */
  readonly top: string;
  readonly args: readonly string[];
  readonly io?: TaskIo;
  readonly runtime?: string;
  /** The sandbox that it belongs to. */
  readonly sandboxId?: string;
  /** A last change of the spec. */
  readonly spec?: (spec: Spec) => Spec;
}

/** A container with its snapshot; no task yet. */
export async function makeContainer(client: Client, scope: Scope, id: string, options: RunOptions): Promise<Container> {
  const { top, args, runtime = 'io.containerd.runc.v2', sandboxId = '', spec: change = (spec) => spec } = options;
  const usual = defaultSpec(id, scope.namespace);
  const process = { ...usual.process, user: { uid: 0, gid: 0 }, cwd: '/', args, env: environment };
  await using lease = await client.lease(scope);
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  if (top !== '') await snapshotter.prepare(lease.scope, id, top);
  return await client.containers.create(lease.scope, {
    id,
    labels: {},
    image: '',
    runtime: { name: runtime },
    spec: packSpec(change({ ...usual, process })),
    snapshotter: top === '' ? '' : 'overlayfs',
    snapshotKey: top === '' ? '' : id,
    extensions: {},
    sandboxId,
  });
}

/** A container that runs; returns the pid of its first process. */
export async function runContainer(client: Client, scope: Scope, id: string, options: RunOptions): Promise<number> {
  const container = await makeContainer(client, scope, id, options);
  const { io = nullIo() } = options;
  const { pid } = await createTask(client, scope, container, io.stdio);
  await client.tasks.start(scope, id, '');
  return pid;
}

/** Registers and starts a further process in a container; returns its pid. */
export async function execIn(
  client: Client,
  scope: Scope,
  id: string,
  execId: string,
  args: readonly string[],
  io: TaskIo = nullIo(),
): Promise<number> {
  const process = { user: { uid: 0, gid: 0 }, cwd: '/', args, env: environment };
  await client.tasks.exec(scope, id, { execId, ...io.stdio, spec: packProcess(process) });
  return (await client.tasks.start(scope, id, execId)).pid;
}

/** Removes a container whose task is gone, and its snapshot. */
export async function removeContainer(client: Client, scope: Scope, id: string): Promise<void> {
  const { snapshotKey } = await client.containers.get(scope, id);
  // In this order: the record keeps the snapshot from collection.
  if (snapshotKey !== '') await (await client.snapshotter(scope, 'overlayfs')).remove(scope, snapshotKey);
  await client.containers.delete(scope, id);
}
