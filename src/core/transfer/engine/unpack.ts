import { randomBytes } from 'node:crypto';
import { abortable } from '#base/cancellation';
import { deferAsync } from '#base/disposal';
import { failedPrecondition, invalidArgument, isFault, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { Log } from '#base/log';
import { now, toNanos } from '#base/timestamp';
import type { Descriptor } from '#core/descriptor';
import type { ApplyOptions, Differ } from '#core/diff/diff';
import { decoderPayloads } from '#core/diff/encrypted-layer';
import type { Labels } from '#core/labels';
import type { Mount } from '#core/mount';
import { type Scope, scopeOf } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import { KeyedLock, type Limiter } from '#core/transfer/limiter';
import type { ProgressBoard } from '#core/transfer/progress';
import { refKey } from '#core/transfer/references';
import type { Digest } from '#lib/digest';
import { chainIds } from '#lib/oci/image-config';
import type { IncomingBlob } from './intake.ts';
import { together } from './together.ts';
import type { TransferStores } from './transfer-stores.ts';

/** An image whose layers are there or on their way. */
export interface UnpackOrder {
  readonly snapshotter: string;
  readonly config: Descriptor;
  readonly diffIds: readonly Digest[];
  readonly layers: readonly IncomingBlob[];
  /** See `ApplyOptions.syncFs`. */
  readonly syncFs: boolean;
}

type Stores = Pick<TransferStores, 'content' | 'leases' | 'snapshotters'>;

interface LayerTask {
  readonly order: UnpackOrder;
  readonly snapshotter: Snapshotter;
  readonly layer: IncomingBlob;
  readonly diffId: Digest;
  readonly chainId: Digest;
  /** The chain id of the layer below; empty for the lowest. */
  readonly below: string;
  /** Settles when the layer below is committed. */
  readonly belowReady: Promise<void>;
  readonly board: ProgressBoard;
}

interface Leftover {
  readonly namespace: string;
  readonly snapshotter: Snapshotter;
  readonly key: string;
}

/**
 * Makes snapshots of layers. Where the snapshotter can add the parent late, layers are unpacked side by side; elsewhere one
 * after the other, while later ones are still being fetched. Each chain of layers is unpacked by one transfer only, the others wait.
 */
export class Unpacker {
  readonly #metadata: Stores;
  readonly #differ: (snapshotter: string) => Differ;
  readonly #places: Limiter;
  readonly #log: Log;
  readonly #lock = new KeyedLock();
  readonly #leftovers: Leftover[] = [];

  constructor(metadata: Stores, differ: (snapshotter: string) => Differ, places: Limiter, log: Log) {
    this.#log = log;
    this.#metadata = metadata;
    this.#differ = differ;
    this.#places = places;
  }

  /**
   * Settles when the image's top snapshot is committed and its configuration holds it.
   * @throws invalid_argument for an unknown snapshotter or a configuration that does not fit the layers; failed_precondition when
   *   a layer is not what the configuration says; and as `Differ.apply`
   */
  async unpack(scope: Scope, order: UnpackOrder, board: ProgressBoard): Promise<void> {
    const snapshotter = this.#metadata.snapshotters.get(order.snapshotter);
    if (snapshotter === undefined) throw invalidArgument(`snapshotter not loaded: ${order.snapshotter}`);
    const { diffIds, layers } = order;
    if (diffIds.length !== layers.length)
      throw invalidArgument(`image has ${layers.length} layers, its configuration names ${diffIds.length}`);
    const chain = chainIds(diffIds);
    const top = chain.at(-1);
    if (top === undefined) return;
    await together(scope, (inner) => {
      let belowReady = Promise.resolve();
      return layers.map((layer, i) => {
        const task: LayerTask = {
          order,
          snapshotter,
          layer,
          diffId: diffIds[i] as Digest,
          chainId: chain[i] as Digest,
          below: chain[i - 1] ?? '',
          belowReady,
          board,
        };
        belowReady = this.#layer(inner, task);
        return belowReady;
      });
    });
    await failpoint?.('transfer.unpacked');
    const key = `containerd.io/gc.ref.snapshot.${order.snapshotter}`;
    const { digest } = order.config;
    await this.#metadata.content.update(scope, { digest, labels: { [key]: top } }, [`labels.${key}`]);
  }

  async #layer(scope: Scope, task: LayerTask): Promise<void> {
    const { layer, order, chainId, board } = task;
    const name = refKey(layer.descriptor);
    using _lock = await this.#lock.enter(`${scope.namespace} ${order.snapshotter} ${chainId}`, scope.signal);
    if (await this.#exists(scope, task)) {
      await abortable(layer.done, scope.signal);
      return;
    }
    try {
      await this.#make(scope, task);
    } catch (error) {
      if (!isFault(error, 'already_exists') || !(await this.#exists(scope, task))) throw error;
    }
    await failpoint?.('transfer.layer.committed');
    const key = 'containerd.io/uncompressed';
    const { digest } = layer.descriptor;
    await this.#metadata.content.update(scope, { digest, labels: { [key]: task.diffId } }, [`labels.${key}`]);
    board.set(name, { event: 'extracted' });
  }

  /** True when the snapshot is there; the scope's lease holds it then. */
  async #exists(scope: Scope, { snapshotter, order, chainId }: LayerTask): Promise<boolean> {
    try {
      await snapshotter.stat(scope, chainId);
      if (scope.lease !== undefined) {
        const resource = { type: `snapshots/${order.snapshotter}`, id: chainId };
        await this.#metadata.leases.addResource(scope, scope.lease, resource);
        await snapshotter.stat(scope, chainId); // a collection may have been faster than the lease
      }
      return true;
    } catch (error) {
      if (isFault(error, 'not_found')) return false;
      throw error;
    }
  }

  async #make(scope: Scope, task: LayerTask): Promise<void> {
    if (task.snapshotter.capabilities.has('rebase') && task.below !== '') {
      try {
        await this.#makeSnapshot(scope, task, true);
        return;
      } catch (error) {
        // The layer leaves out a directory, whose attributes it takes from those below: it has to wait for them.
        if (!isFault(error, 'aborted')) throw error;
      }
    }
    await abortable(task.belowReady, scope.signal);
    await this.#makeSnapshot(scope, task, false);
  }

  async #makeSnapshot(scope: Scope, task: LayerTask, rebase: boolean): Promise<void> {
    const { snapshotter, layer, chainId, below, belowReady } = task;
    const key = `extract-${toNanos(now()) % 1_000_000_000n}-${randomBytes(3).toString('base64url')} ${chainId}`;
    const labels = { ...inherited(layer.descriptor), 'containerd.io/snapshot.ref': chainId };
    const mounts = await snapshotter.prepare(scope, key, rebase ? '' : below, { labels });
    try {
      const { digest } = await this.#fill(scope, task, mounts, { keepWhiteouts: rebase, syncFs: task.order.syncFs });
      if (digest !== task.diffId)
        throw failedPrecondition(`layer ${layer.descriptor.digest} unpacks to ${digest}, not to ${task.diffId}`);
      await abortable(Promise.all([layer.done, belowReady]), scope.signal);
      await failpoint?.('transfer.layer.applied');
      await snapshotter.commit(scope, chainId, key, { labels, ...(rebase && { parent: below }) });
    } catch (error) {
      await this.#discard({ namespace: scope.namespace, snapshotter, key });
      throw error;
    }
  }

  /** What could not be removed when its layer failed, perhaps for want of room, once more. Never throws: a lease ends it anyway. */
  async removeLeftovers(): Promise<void> {
    for (const leftover of this.#leftovers.splice(0)) await this.#discard(leftover);
    for (const { key } of this.#leftovers) this.#log.warn('snapshot of a failed unpack stays', { key });
  }

  /** Not under a transfer's own signal: this must also happen when it was cancelled. */
  async #discard(leftover: Leftover): Promise<void> {
    const { namespace, snapshotter, key } = leftover;
    await snapshotter.remove(scopeOf(namespace), key).catch((error: unknown) => {
      if (!isFault(error, 'not_found')) this.#leftovers.push(leftover);
    });
  }

  async #fill(scope: Scope, task: LayerTask, mounts: readonly Mount[], wanted: ApplyOptions): Promise<Descriptor> {
    const { layer, board, order } = task;
    const options = { ...wanted, payloads: decoderPayloads(layer.descriptor) };
    const differ = this.#differ(order.snapshotter);
    const file = await abortable(layer.file, scope.signal);
    using _place = await this.#places.enter(scope.signal);
    if (file?.growing === true && differ.unpack !== undefined) {
      const { mediaType, size } = layer.descriptor;
      const arriving = { mediaType, path: file.path, expectedBytes: size };
      await using unpack = differ.unpack(scope, arriving, mounts, options);
      file.follow(unpack);
      await using _ = deferAsync(async () => {
        await unpack[Symbol.asyncDispose](); // before the file is closed
        await file.leave(unpack);
      });
      const done = naming(layer, unpack.done);
      try {
        const whole = layer.done.then(() => extracting(board, layer, done));
        return await abortable(Promise.race([done, whole]), scope.signal);
      } catch (error) {
        if (!isFault(error, 'not_implemented')) throw error; // a type that only finished blobs can be unpacked of
      }
    }
    await abortable(layer.done, scope.signal);
    return await extracting(board, layer, naming(layer, differ.apply(scope, layer.descriptor, mounts, options)));
  }
}

function extracting<T>(board: ProgressBoard, layer: IncomingBlob, work: Promise<T>): Promise<T> {
  board.set(refKey(layer.descriptor), { event: 'extracting' });
  return work;
}

/** An error says which layer it is about. */
function naming<T>({ descriptor }: IncomingBlob, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw wrap(error, `failed to extract layer ${descriptor.digest}`);
  });
}

/** Annotations that are meant for the snapshotter. */
function inherited({ annotations = {} }: Descriptor): Labels {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith('containerd.io/snapshot/')));
}
