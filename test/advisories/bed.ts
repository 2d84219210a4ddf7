import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type Client, openClient } from '#client/client';
import { createContainer, type NewContainer } from '#client/container';
import { createTask, deleteTaskIfThere } from '#client/task';
import { fifoIo } from '#client/task-io';
import { pull } from '#client/transfer';
import type { Image } from '#core/images/images';
import { type Scope, scopeOf } from '#core/scope';
import { type Member, tarOf } from '#lib/tar/small-archive';
import { busyboxImage, layerOf } from '#test/support/busybox-image';
import { startDaemon, type TestDaemon, type TestDaemonOptions } from '#test/support/daemon';
import { FakeRegistry, sha256 } from '#test/support/fake-registry';
import { forgetNamespace } from '#test/support/nothing-left';
import { publish, type SampleImage, type SampleLayer, sampleImage } from '#test/support/sample-image';

/** The built daemon, a client, a registry in this process, a namespace of their own and a directory of the host that images would like to reach. */
export interface Bed extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly registry: FakeRegistry;
  readonly scope: Scope;
  readonly host: string;
}

export async function startBed(options: TestDaemonOptions = {}): Promise<Bed> {
  await using open = new AsyncDisposableStack();
  const scope = scopeOf(`adv-${randomUUID().slice(0, 8)}`);
  open.defer(() => forgetNamespace(scope.namespace));
  const host = mkdtempSync('/tmp/berth-host-');
  open.defer(() => rmSync(host, { recursive: true, force: true }));
  const daemon = open.use(await startDaemon({ built: true, ...options }));
  const client = open.use(openClient(daemon.address));
  const registry = open.use(await FakeRegistry.start());
  const held = open.move();
  return { daemon, client, registry, scope, host, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

let busybox: SampleLayer | undefined;

/** An image with busybox, what these members make of it, and that configuration. */
export function imageOf(config: object, ...members: Member[]): SampleImage {
  busybox ??= busyboxImage().layers[0] as SampleLayer;
  const layers = members.length === 0 ? [busybox] : [busybox, layerOf(tarOf(members))];
  const made = sampleImage(layers);
  const document = JSON.parse(made.configBody.toString()) as { readonly config: object };
  const configBody = Buffer.from(JSON.stringify({ ...document, config: { ...document.config, ...config } }));
  const manifest = JSON.parse(made.manifestBody.toString()) as { readonly config: object };
  const descriptor = { ...made.config, digest: sha256(configBody), size: configBody.length };
  const manifestBody = Buffer.from(JSON.stringify({ ...manifest, config: descriptor }));
  return { ...made, configBody, config: descriptor, manifestBody };
}

/** Publishes and pulls. @throws as the pull */
export async function pulled({ client, registry, scope }: Bed, name: string, image: SampleImage): Promise<Image> {
  publish(registry, `a/${name}`, 'v1', image);
  return pull(client, scope, `${registry.host}/a/${name}:v1`);
}

export interface Ended {
  readonly code: number;
  readonly out: string;
}

/** Runs a container to its end and removes it. @throws when it cannot be made or started; nothing of it stays then */
export async function runOnce(on: Bed, image: Image, wanted: NewContainer): Promise<Ended> {
  return running(on, image, wanted, async () => {});
}

/** The same, with something done while it runs. */
export async function running(
  { client, scope }: Bed,
  image: Image,
  wanted: NewContainer,
  meanwhile: (pid: number) => Promise<void>,
): Promise<Ended> {
  const container = await createContainer(client, scope, image, wanted);
  const { id } = container;
  const out: Uint8Array[] = [];
  const keep = async (bytes: Uint8Array) => void out.push(Buffer.from(bytes));
  await using io = await fifoIo(id, { stdout: keep, stderr: keep }, { terminal: false });
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    await deleteTaskIfThere(client, scope, id, 'kill');
    // In this order: the record keeps the snapshot from collection.
    await (await client.snapshotter(scope, container.snapshotter)).remove(scope, container.snapshotKey);
    await client.containers.delete(scope, id);
  });
  const { pid } = await createTask(client, scope, container, io.stdio);
  await client.tasks.start(scope, id, '');
  await meanwhile(pid);
  const { exitStatus } = await client.tasks.wait(scope, id, '');
  await deleteTaskIfThere(client, scope, id);
  await Promise.race([io.drained, wait(30_000)]);
  return { code: exitStatus, out: Buffer.concat(out).toString() };
}

export const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];

/** What was thrown; undefined when nothing was. */
export const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (thrown: unknown) => thrown ?? new Error('nothing was thrown, but the work failed'),
  );

export const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
