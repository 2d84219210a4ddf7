import { closeSync, openSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Any } from '#base/any';
import { abortable, abortFault } from '#base/cancellation';
import { fault, wrap } from '#base/errors';
import type { Log } from '#base/log';
import type { BlobReader, ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { ApplyOptions, ArrivingLayer, LayerLimits, LayerUnpack } from '#core/diff/diff';
import { decoderPayloads } from '#core/diff/encrypted-layer';
import type { Mount } from '#core/mount';
import type { StreamProcessor } from '#core/plugin/daemon-info';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { syncFilesystem } from '#sys/fs';
import { type ApplyTarget, withApplyTarget } from './apply-target.ts';
import { Arrival } from './arrival.ts';
import { anyToWire } from './payload.ts';
import { type ProcessorStep, processorChain, runProcessor } from './stream-processors.ts';
import type { UnpackThreads } from './unpack-threads.ts';

export interface ApplierParts {
  readonly content: Pick<ContentStore, 'open'>;
  readonly threads: UnpackThreads;
  readonly processors: ReadonlyMap<string, StreamProcessor>;
  /** '' for the system's own place. */
  readonly tempDir: string;
  readonly limits: LayerLimits;
  readonly log: Log;
}

/** Unpacks layers: the applying half of a differ. */
export class Applier {
  readonly #parts: ApplierParts;

  constructor(parts: ApplierParts) {
    this.#parts = parts;
  }

  /** See `Differ.apply`. */
  async apply(
    scope: Scope,
    layer: Descriptor,
    mounts: readonly Mount[],
    given: ApplyOptions = {},
  ): Promise<Descriptor> {
    // Clients that know nothing of encryption say nothing of the layer's keys.
    const options = { ...given, payloads: decoderPayloads(layer, given.payloads) };
    // Before the blob is opened: whoever asks for a type that nobody reads shall hear that.
    processorChain(layer.mediaType, this.#parts.processors);
    await using blob = await this.#parts.content.open(scope, layer.digest);
    if (blob.path !== undefined)
      return await this.#applyFile(scope, layer.mediaType, blob.path, blob.size, mounts, options);
    return await this.#withTempDir(async (dir) => {
      const path = join(dir, 'layer');
      await copyBlob(blob, path, scope.signal);
      return await this.#applyFile(scope, layer.mediaType, path, blob.size, mounts, options);
    });
  }

  /** See `Differ.unpack`. */
  unpack(scope: Scope, layer: ArrivingLayer, mounts: readonly Mount[], options: ApplyOptions = {}): LayerUnpack {
    return new ArrivingUnpack(scope.signal, async (arrival, signal) => {
      // At once: the file may be renamed or removed as soon as it is complete.
      using file = openFile(layer.path);
      const { mediaType, expectedBytes = 0 } = layer;
      return await this.#unpack({ fd: file.fd, mediaType, expectedBytes }, mounts, options, arrival, signal);
    });
  }

  async #applyFile(
    scope: Scope,
    mediaType: string,
    path: string,
    size: number,
    mounts: readonly Mount[],
    options: ApplyOptions,
  ): Promise<Descriptor> {
    await using unpack = this.unpack(scope, { mediaType, path, expectedBytes: size }, mounts, options);
    unpack.complete(size);
    return await unpack.done;
  }

  async #unpack(
    layer: OpenLayer,
    mounts: readonly Mount[],
    options: ApplyOptions,
    arrival: Arrival,
    signal: AbortSignal,
  ): Promise<Descriptor> {
    const { processors, tempDir } = this.#parts;
    const steps = processorChain(layer.mediaType, processors);
    const { keepWhiteouts = false } = options;
    return await withApplyTarget(mounts, { keepWhiteouts, tempDir }, async (target) => {
      const unpacked =
        steps.length === 0
          ? await this.#extract(layer, target, options, arrival, signal)
          : await this.#extractProcessed(steps, layer, target, options, arrival, signal);
      if (options.syncFs) await syncFilesystem(target.root);
      return unpacked;
    });
  }

  async #extract(
    { fd, expectedBytes }: Pick<OpenLayer, 'fd' | 'expectedBytes'>,
    target: ApplyTarget,
    options: ApplyOptions,
    arrival: Arrival,
    signal: AbortSignal,
  ): Promise<Descriptor> {
    const limits = narrower(this.#parts.limits, options.limits);
    const work = this.#parts.threads.start({ fd, maxBytes: limits.maxBytes, ...target, limits }, expectedBytes);
    const cancel = () => work.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    arrival.follow(work);
    try {
      const unpacked = await work.done;
      if (unpacked === undefined) throw abortFault(signal);
      const { inflated, untarred } = unpacked;
      if (untarred.ignoredXattrs.length > 0) {
        this.#parts.log.warn('ignored extended attributes of a layer', { names: untarred.ignoredXattrs.join(' ') });
      }
      return { mediaType: mediaTypes.ociLayer, digest: inflated.digest as Digest, size: inflated.size };
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  /** The programs run one after the other; what the last one writes is unpacked while it does. */
  async #extractProcessed(
    steps: readonly ProcessorStep[],
    layer: OpenLayer,
    target: ApplyTarget,
    options: ApplyOptions,
    arrival: Arrival,
    signal: AbortSignal,
  ): Promise<Descriptor> {
    await abortable(arrival.whole, signal);
    return await this.#withTempDir(async (dir) => {
      let { fd, mediaType } = layer;
      using files = new DisposableStack();
      for (const [index, step] of steps.entries()) {
        const output = join(dir, String(index));
        await (await open(output, 'wx', 0o600)).close();
        const written = files.use(openFile(output)).fd;
        const run = { mediaType, tempDir: dir, signal, ...payloadOf(options, step.id) };
        const running = (onOutput?: (size: number) => void, stop = signal) =>
          runProcessor(step, fd, output, { ...run, signal: stop, ...(onOutput !== undefined && { onOutput }) });
        if (index === steps.length - 1)
          return await this.#extractGrowing(
            { fd: written, expectedBytes: layer.expectedBytes },
            running,
            target,
            options,
            signal,
          );
        await running();
        [fd, mediaType] = [written, step.processor.returns];
      }
      throw fault('internal', 'no stream processor');
    });
  }

  /** Unpacks a file while a program writes it. A layer that turns out bad ends the program; a program that fails ends the unpacking. */
  async #extractGrowing(
    layer: Pick<OpenLayer, 'fd' | 'expectedBytes'>,
    run: (onOutput: (size: number) => void, signal: AbortSignal) => Promise<number>,
    target: ApplyTarget,
    options: ApplyOptions,
    outer: AbortSignal,
  ): Promise<Descriptor> {
    const stop = new AbortController();
    const signal = AbortSignal.any([outer, stop.signal]);
    const arrival = new Arrival();
    // The first reason is the true one: what follows from it is only that both were stopped.
    let reason: unknown;
    const failed = (thrown: unknown) => {
      reason ??= thrown;
      stop.abort();
    };
    const unpacked = this.#extract(layer, target, options, arrival, signal).catch(failed);
    const running = run((size) => arrival.arrived(size), signal);
    await running.then((size) => arrival.complete(size), failed);
    const descriptor = await unpacked;
    if (descriptor === undefined) throw reason;
    return descriptor;
  }

  async #withTempDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
    const { tempDir } = this.#parts;
    const dir = await mkdtemp(join(tempDir === '' ? tmpdir() : tempDir, 'berth-apply-'));
    try {
      return await use(dir);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}

interface OpenLayer {
  readonly fd: number;
  readonly mediaType: string;
  /** See `ArrivingLayer`; 0 when it is not known. */
  readonly expectedBytes: number;
}

function openFile(path: string): Disposable & { readonly fd: number } {
  const fd = openSync(path, 'r');
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

class ArrivingUnpack implements LayerUnpack {
  readonly #arrival = new Arrival();
  readonly #stop = new AbortController();
  readonly done: Promise<Descriptor>;

  constructor(outer: AbortSignal, run: (arrival: Arrival, signal: AbortSignal) => Promise<Descriptor>) {
    this.done = run(this.#arrival, AbortSignal.any([outer, this.#stop.signal])).catch((thrown) => {
      throw wrap(thrown, 'apply layer');
    });
    // Whoever disposes of it without looking at `done` does not want to know.
    this.done.catch(() => {});
  }

  arrived(sizeBytes: number): void {
    this.#arrival.arrived(sizeBytes);
  }

  complete(sizeBytes: number): void {
    this.#arrival.complete(sizeBytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => {});
  }
}

function narrower(own: LayerLimits, asked: Partial<LayerLimits> = {}): LayerLimits {
  return {
    maxBytes: Math.min(own.maxBytes, asked.maxBytes ?? own.maxBytes),
    maxEntries: Math.min(own.maxEntries, asked.maxEntries ?? own.maxEntries),
  };
}

function payloadOf(options: ApplyOptions, id: string): { readonly payload?: Uint8Array } {
  const payload: Any | undefined = options.payloads?.[id];
  return payload === undefined ? {} : { payload: anyToWire(payload) };
}

async function copyBlob(blob: BlobReader, path: string, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  for (let offset = 0; offset < blob.size; ) {
    const bytes = await abortable(blob.read(offset, 1 << 20), signal);
    if (bytes.length === 0) throw fault('data_loss', `blob ends at ${offset} of ${blob.size} bytes`);
    await file.writeFile(bytes);
    offset += bytes.length;
  }
}
