import { Transfer as TransferService } from '#api/services/transfer/v1/transfer_pb';
import { ImageStoreSchema } from '#api/types/transfer/imagestore_pb';
import { ImageExportStreamSchema, ImageImportStreamSchema } from '#api/types/transfer/importexport_pb';
import { ProgressSchema } from '#api/types/transfer/progress_pb';
import { HTTPDebug, OCIRegistrySchema } from '#api/types/transfer/registry_pb';
import type { Any } from '#base/any';
import { notImplemented } from '#base/errors';
import type { Image, ImageStore } from '#core/images/images';
import type { Scope } from '#core/scope';
import type { Observer } from '#core/transfer/progress';
import type { ExportOptions, ImportOptions, RegistryEnd, Transfer } from '#core/transfer/transfer';
import type { HttpWatch } from '#lib/registry/http-watch';
import { pack, unpack } from '../any.ts';
import { clientOf, withScope } from '../grpc-client.ts';
import { remoteImages } from '../images/client.ts';
import { receiveBytes, sendBytes } from '../streaming/bytes.ts';
import { openStream } from '../streaming/client.ts';
import type { MessageStream } from '../streaming/message-stream.ts';
import type { Transport } from '../transport.ts';
import { anyToWire, platformToWire } from '../values.ts';
import { progressFromWire, storeToWire } from './convert.ts';
import { answerQuestions } from './credentials.ts';
import { wholeArchive } from './whole-archive.ts';

/** Transfers that a daemon performs. Of what it is told of progress, everything was told when a transfer returns. */
export function remoteTransfer(transport: Transport): Transfer {
  const images = remoteImages(transport);
  return {
    pull: (scope, source, options) =>
      underway(transport, scope, options.onProgress, async (run) => {
        onlyHere(options.metadataOnly, options.maxDownloads, options.syncFs);
        await run.transfer(await run.registry(source), pack(ImageStoreSchema, storeToWire(options)));
        return images.get(scope, options.image.name);
      }),
    push: (scope, image, destination, { platforms, onProgress, maxUploads, nonDistributable }) =>
      underway(transport, scope, onProgress, async (run) => {
        onlyHere(maxUploads, nonDistributable);
        const source = pack(ImageStoreSchema, storeToWire({ image: { name: image, labels: {} }, platforms }));
        await run.transfer(source, await run.registry(destination));
      }),
    import: (scope, archive, options) => importArchive(transport, images, scope, archive, options),
    export: (scope, names, options) => exportArchive(transport, scope, names, options),
    tag: (scope, source, target, names = []) =>
      underway(transport, scope, undefined, async (run) => {
        const from = pack(ImageStoreSchema, storeToWire({ image: { name: source, labels: {} } }));
        await run.transfer(from, pack(ImageStoreSchema, storeToWire({ image: target, names })));
        return images.get(scope, target.name);
      }),
  };
}

/** @throws not_implemented for an option that was given and that the service's messages have no place for */
function onlyHere(...options: readonly (boolean | number | undefined)[]): void {
  if (options.some((option) => option !== undefined && option !== false))
    throw notImplemented('the transfer service cannot be asked for that: perform the transfer in this process');
}

async function importArchive(
  transport: Transport,
  images: ImageStore,
  scope: Scope,
  archive: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<readonly Image[]> {
  onlyHere(options.syncFs);
  const saved = new Set<string>();
  const onProgress: Observer = (progress) => {
    if (progress.event === 'saved') saved.add(progress.name);
    options.onProgress?.(progress);
  };
  return underway(transport, scope, onProgress, async (run) => {
    const stream = await run.stream('import');
    run.besides(sendBytes(stream, archive));
    await run.transfer(
      pack(ImageImportStreamSchema, { stream: stream.id, forceCompress: options.forceCompress }),
      pack(ImageStoreSchema, storeToWire(options)),
    );
    await run.told();
    return Promise.all([...saved].map((name) => images.get(scope, name)));
  });
}

async function* exportArchive(
  transport: Transport,
  scope: Scope,
  names: readonly string[],
  options: ExportOptions,
): AsyncGenerator<Uint8Array> {
  await using run = new Run(transport, scope);
  await run.observe(options.onProgress);
  const stream = await run.stream('export');
  const [name = '', ...more] = names;
  const flags = { isPrefix: false, allowOverwrite: false, addDigest: false, skipNamedDigest: false };
  const others = more.map((other) => ({ name: other, ...flags }));
  const destination = pack(ImageExportStreamSchema, {
    stream: stream.id,
    platforms: options.platforms.map(platformToWire),
    allPlatforms: options.allPlatforms,
    skipCompatibilityManifest: options.skipDockerManifest,
    skipNonDistributable: options.skipNonDistributable,
  });
  const source = pack(ImageStoreSchema, storeToWire({ image: { name, labels: {} }, names: others }));
  // A transfer that fails before it has found the stream leaves it open: the failure ends the reading.
  const transferred = run.transfer(source, destination);
  run.besides(transferred);
  yield* run.guarded(wholeArchive(receiveBytes(stream), transferred));
  await transferred;
  await run.told();
}

async function underway<T>(
  transport: Transport,
  scope: Scope,
  onProgress: Observer | undefined,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  await using run = new Run(transport, scope);
  await run.observe(onProgress);
  const result = await run.guard(work(run));
  await run.told();
  return result;
}

/** One transfer with the streams that belong to it. What fails beside it ends it, with that error. */
class Run implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #scope: Scope;
  readonly #stop = new AbortController();
  readonly #held = new AsyncDisposableStack();
  readonly #failed = Promise.withResolvers<never>();
  #told: Promise<void> = Promise.resolve();
  #heard: Promise<void> = Promise.resolve();
  #progressId = '';

  constructor(transport: Transport, scope: Scope) {
    this.#transport = transport;
    const signal = AbortSignal.any([scope.signal, this.#stop.signal]);
    this.#scope = { ...scope, signal };
    this.#failed.promise.catch(() => {});
    this.#held.defer(() => this.#stop.abort());
  }

  async transfer(source: Any, destination: Any): Promise<void> {
    const request = {
      source: anyToWire(source),
      destination: anyToWire(destination),
      options: { progressStream: this.#progressId },
    };
    await clientOf(TransferService, this.#transport).transfer(request, withScope(this.#scope));
  }

  async stream(prefix: string): Promise<MessageStream> {
    return this.#held.use(await openStream(this.#transport, this.#scope, prefix));
  }

  async observe(onProgress: Observer | undefined): Promise<void> {
    if (onProgress === undefined) return;
    const stream = await this.stream('progress');
    this.#progressId = stream.id;
    this.#told = tell(stream, onProgress);
    this.besides(this.#told);
  }

  /** Settles when the daemon has told all of its progress, and all of what it said to the registry. */
  async told(): Promise<void> {
    await this.#told;
    await this.#heard;
  }

  /** The id of a stream on which the daemon tells what goes over the wire. */
  async #hear(watch: HttpWatch): Promise<string> {
    const stream = await this.stream('logs');
    this.#heard = (async () => {
      const text = new TextDecoder();
      for await (const bytes of receiveBytes(stream)) watch.say(text.decode(bytes, { stream: true }));
    })();
    this.besides(this.#heard);
    return stream.id;
  }

  async registry(end: RegistryEnd): Promise<Any> {
    const { reference, credentials, headers = {}, hostDir = '', defaultScheme, watch } = end;
    const log = watch === undefined ? undefined : await this.#hear(watch);
    const stream = credentials === undefined ? undefined : await this.stream('auth');
    if (stream !== undefined && credentials !== undefined) this.besides(answerQuestions(stream, credentials));
    const resolver = {
      authStream: stream?.id ?? '',
      headers: { ...headers },
      hostDir,
      defaultScheme: defaultScheme ?? '',
      httpDebug: debugOf(watch),
      logsStream: log ?? '',
    };
    return pack(OCIRegistrySchema, { reference, resolver });
  }

  /** Work that goes on beside the transfer and whose failure is the transfer's. */
  besides(work: Promise<unknown>): void {
    work.catch((thrown: unknown) => {
      if (!this.#stop.signal.aborted) this.#failed.reject(thrown);
    });
  }

  guard<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failed.promise]);
  }

  async *guarded<T>(items: AsyncIterableIterator<T>): AsyncGenerator<T> {
    for (let next = await this.guard(items.next()); !next.done; next = await this.guard(items.next())) yield next.value;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

function debugOf(watch: HttpWatch | undefined): HTTPDebug {
  if (watch === undefined) return HTTPDebug.DISABLED;
  if (watch.dump && watch.trace) return HTTPDebug.BOTH;
  return watch.dump ? HTTPDebug.DEBUG : HTTPDebug.TRACE;
}

async function tell(stream: MessageStream, onProgress: Observer): Promise<void> {
  for await (const message of stream) {
    const progress = unpack(ProgressSchema, message);
    if (progress !== undefined) onProgress(progressFromWire(progress));
  }
}
