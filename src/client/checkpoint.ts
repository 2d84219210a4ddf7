import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { CheckpointOptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { isFault, notFound } from '#base/errors';
import type { Container } from '#core/containers/containers';
import type { Descriptor } from '#core/descriptor';
import { readBlob } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Scope } from '#core/scope';
import { goJson } from '#lib/go-json';
import { decodeIndex, type Index, maxManifestBytes } from '#lib/oci/manifest';
import { mediaTypes } from '#lib/oci/media-types';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { anyFromWire, anyToWire } from '#rpc/values';
import type { Client } from './client.ts';
import { sealedView } from './sealed-view.ts';
import { rootSnapshot } from './unpacked.ts';
import { writeBlob } from './write-blob.ts';

/** What a checkpoint holds besides how the container was to be run. */
export interface CheckpointParts {
  /** The image that it was made of. */
  readonly image: boolean;
  /** What was written into its own snapshot. */
  readonly rw: boolean;
  /** The task as CRIU saves it. */
  readonly task: boolean;
}

const imageName = 'org.opencontainers.image.ref.name';
const runtimeName = 'io.containerd.checkpoint.runtime';
const snapshotterName = 'io.containerd.checkpoint.snapshotter';

/**
 * Saves a container as an image of its own: an index of the parts. A task that runs must be paused by the caller.
 * @throws not_found; already_exists for the name; as `Tasks.checkpoint`
 */
export async function checkpointContainer(
  client: Client,
  scope: Scope,
  container: Container,
  name: string,
  parts: CheckpointParts,
): Promise<Image> {
  const image = await client.images.get(scope, container.image);
  await using lease = await client.lease(scope);
  const work = new Checkpoint(client, lease.scope, container);
  await work.addRuntimeOptions();
  if (parts.image) work.add(image.target);
  if (parts.rw) await work.addWritten();
  if (parts.task) await work.addTask();
  else await work.addSpec();
  const index = {
    schemaVersion: 2,
    manifests: work.manifests,
    annotations: {
      [runtimeName]: container.runtime.name,
      [snapshotterName]: container.snapshotter,
      [imageName]: image.name,
    },
  };
  const labels = work.manifests.map(({ digest }, at) => [`containerd.io/gc.ref.content.${at}`, digest]);
  const target = await writeBlob(client.content, lease.scope, {
    mediaType: mediaTypes.ociIndex,
    bytes: Buffer.from(goJson(index)),
    labels: Object.fromEntries(labels),
  });
  return await client.images.create(lease.scope, { name, target, labels: {} });
}

class Checkpoint {
  readonly manifests: Descriptor[] = [];
  readonly #client: Client;
  readonly #scope: Scope;
  readonly #container: Container;

  constructor(client: Client, scope: Scope, container: Container) {
    this.#client = client;
    this.#scope = scope;
    this.#container = container;
  }

  add(part: Descriptor): void {
    this.manifests.push(part);
  }

  async addRuntimeOptions(): Promise<void> {
    const { options } = this.#container.runtime;
    if (options !== undefined) await this.#addAny(mediaTypes.checkpointRuntimeOptions, options);
  }

  /** Daemons put it into a task's checkpoint; without a task it is for us. */
  addSpec(): Promise<void> {
    return this.#addAny(mediaTypes.checkpointConfig, this.#container.spec);
  }

  /** What the container has changed, as a layer above its image. */
  async addWritten(): Promise<void> {
    const { snapshotter: name, snapshotKey } = this.#container;
    const snapshotter = await this.#client.snapshotter(this.#scope, name);
    const { parent } = await snapshotter.stat(this.#scope, snapshotKey);
    await using lower = await sealedView(snapshotter, this.#scope, parent);
    await using upper = await sealedView(snapshotter, this.#scope, snapshotKey);
    const layer = await this.#client.differ.compare(this.#scope, lower.mounts, upper.mounts, {
      ref: `checkpoint-rw-${snapshotKey}`,
    });
    this.add({ ...layer, platform: defaultPlatform() });
  }

  async addTask(): Promise<void> {
    const wanted = create(CheckpointOptionsSchema, { fileLocks: true });
    const options = { typeUrl: CheckpointOptionsSchema.typeName, value: toBinary(CheckpointOptionsSchema, wanted) };
    const parts = await this.#client.tasks.checkpoint(this.#scope, this.#container.id, options);
    for (const part of parts) this.add({ ...part, platform: defaultPlatform() });
    await this.#addAny(mediaTypes.checkpointOptions, options);
  }

  async #addAny(mediaType: string, any: Any): Promise<void> {
    const bytes = toBinary(AnySchema, anyToWire(any));
    const descriptor = await writeBlob(this.#client.content, this.#scope, { mediaType, bytes });
    this.add({ ...descriptor, platform: defaultPlatform() });
  }
}

/** A container that was made of a checkpoint, and the task's part of that, where it has one. */
export interface Restored {
  readonly container: Container;
  readonly checkpoint?: Descriptor;
}

/**
 * Makes a container of a checkpoint. The image that the saved one was made of must be unpacked. With `rw`, what had been written is there again.
 * @throws not_found for a part that is missing; already_exists for the id
 */
export async function restoreContainer(
  client: Client,
  scope: Scope,
  id: string,
  checkpoint: Image,
  { rw }: { readonly rw: boolean },
): Promise<Restored> {
  const { mediaType } = checkpoint.target;
  const index = decodeIndex(await readBlob(client.content, scope, checkpoint.target, maxManifestBytes), mediaType);
  const annotation = (key: string): string => {
    const value = index.annotations?.[key];
    if (value === undefined) throw notFound(`annotation ${key} in checkpoint ${checkpoint.name}`);
    return value;
  };
  const image = await client.images.get(scope, annotation(imageName));
  const snapshotter = annotation(snapshotterName);
  const spec = await readAny(client, scope, part(index, mediaTypes.checkpointConfig, checkpoint.name));
  const optionsPart = index.manifests.find((one) => one.mediaType === mediaTypes.checkpointRuntimeOptions);
  const options = optionsPart === undefined ? undefined : await readAny(client, scope, optionsPart);
  await using lease = await client.lease(scope);
  const store = await client.snapshotter(scope, snapshotter);
  const parent = await rootSnapshot(client, scope, image.target, onlyPlatform(defaultPlatform()));
  const mounts = await store.prepare(lease.scope, id, parent);
  try {
    if (rw) await client.differ.apply(lease.scope, part(index, mediaTypes.ociLayerGzip, checkpoint.name), mounts);
    const container = await client.containers.create(lease.scope, {
      id,
      labels: {},
      image: image.name,
      runtime: { name: annotation(runtimeName), ...(options === undefined ? {} : { options }) },
      spec,
      snapshotter,
      snapshotKey: id,
      extensions: {},
      sandboxId: '',
    });
    const saved = index.manifests.find((one) => one.mediaType === mediaTypes.checkpoint);
    return { container, ...(saved === undefined ? {} : { checkpoint: saved }) };
  } catch (thrown) {
    await store.remove(scope, id).catch((missing: unknown) => {
      if (!isFault(missing, 'not_found')) throw missing;
    });
    throw thrown;
  }
}

function part(index: Index, mediaType: string, name: string): Descriptor {
  const found = index.manifests.find((one) => one.mediaType === mediaType);
  if (found === undefined) throw notFound(`${mediaType} in checkpoint ${name}`);
  return found;
}

const maxAnyBytes = 16 << 20;

async function readAny({ content }: Client, scope: Scope, descriptor: Descriptor): Promise<Any> {
  return anyFromWire(fromBinary(AnySchema, await readBlob(content, scope, descriptor, maxAnyBytes)));
}
