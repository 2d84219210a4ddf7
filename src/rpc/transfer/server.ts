import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { Transfer as TransferService } from '#api/services/transfer/v1/transfer_pb';
import { ContainerPathSchema } from '#api/types/transfer/container_pb';
import { ImageStoreSchema } from '#api/types/transfer/imagestore_pb';
import { ImageExportStreamSchema, ImageImportStreamSchema } from '#api/types/transfer/importexport_pb';
import { ProgressSchema } from '#api/types/transfer/progress_pb';
import { HTTPDebug, type OCIRegistry, OCIRegistrySchema } from '#api/types/transfer/registry_pb';
import { ReadStreamSchema, WriteStreamSchema } from '#api/types/transfer/streaming_pb';
import type { Any } from '#base/any';
import { invalidArgument, notImplemented } from '#base/errors';
import type { Scope } from '#core/scope';
import type { ContainerFiles } from '#core/transfer/container-files';
import type { Observer } from '#core/transfer/progress';
import type { RegistryEnd, Transfer } from '#core/transfer/transfer';
import { pack, unpack } from '../any.ts';
import { defineService, type Service } from '../service.ts';
import { receiveBytes, sendBytes } from '../streaming/bytes.ts';
import type { StreamRegistry } from '../streaming/registry.ts';
import { platformFromWire, someAnyFromWire } from '../values.ts';
import { tarType } from './container-files.ts';
import { progressToWire, storeFromWire } from './convert.ts';
import { credentialsOver } from './credentials.ts';
import { watchOver } from './http-log.ts';

/** The transfer service; bytes, progress and questions for credentials travel over the registry's streams. */
export function serveTransfer(transfer: Transfer, streams: StreamRegistry, files?: ContainerFiles): Service {
  return defineService(TransferService, {
    transfer: async ({ source, destination, options }, { scope }) => {
      using progress = observerOver(streams, scope, options?.progressStream ?? '');
      const ends = { source: someAnyFromWire(source), destination: someAnyFromWire(destination) };
      await using held = new AsyncDisposableStack();
      await perform({ transfer, streams, scope, held, ...(files !== undefined && { files }), ...progress }, ends);
      return {};
    },
  });
}

interface Context {
  readonly transfer: Transfer;
  readonly streams: StreamRegistry;
  /** Absent: there are no containers here. */
  readonly files?: ContainerFiles;
  readonly scope: Scope;
  /** What ends with the transfer. */
  readonly held: AsyncDisposableStack;
  readonly onProgress?: Observer;
}

interface Ends {
  readonly source: Any;
  readonly destination: Any;
}

async function perform(context: Context, { source, destination }: Ends): Promise<unknown> {
  for (const [from, to, run] of pairs) {
    const given = unpack(from, source);
    const wanted = given && unpack(to, destination);
    if (given !== undefined && wanted !== undefined) return await run(context, given, wanted);
  }
  throw notImplemented(`transfer from ${source.typeUrl || 'nothing'} to ${destination.typeUrl || 'nothing'}`);
}

type Pair<F extends DescMessage, T extends DescMessage> = (
  context: Context,
  source: MessageShape<F>,
  destination: MessageShape<T>,
) => Promise<unknown>;

const pair = <F extends DescMessage, T extends DescMessage>(from: F, to: T, run: Pair<F, T>) =>
  [from, to, run as unknown as Pair<DescMessage, DescMessage>] as const;

const pairs = [
  pair(OCIRegistrySchema, ImageStoreSchema, (context, source, destination) => {
    const options = { ...storeFromWire(destination), ...observed(context) };
    return context.transfer.pull(context.scope, registryEnd(context, source), options);
  }),
  pair(ImageStoreSchema, OCIRegistrySchema, (context, source, destination) => {
    const { image, platforms } = storeFromWire(source);
    const options = { platforms, ...observed(context) };
    return context.transfer.push(context.scope, image.name, registryEnd(context, destination), options);
  }),
  pair(ImageImportStreamSchema, ImageStoreSchema, (context, source, destination) => {
    const stream = context.streams.get(context.scope, source.stream);
    const options = { ...storeFromWire(destination), forceCompress: source.forceCompress, ...observed(context) };
    return context.transfer.import(context.scope, receiveBytes(stream), options).finally(() => stream.end());
  }),
  pair(ImageStoreSchema, ImageExportStreamSchema, (context, source, destination) => {
    const stream = context.streams.get(context.scope, destination.stream);
    const { image, names } = storeFromWire(source);
    if (names.some(({ isPrefix }) => isPrefix))
      throw notImplemented('export of images by the beginning of their names');
    const images = [image.name, ...names.map(({ name }) => name)].filter((name) => name !== '');
    const archive = context.transfer.export(context.scope, images, {
      platforms: destination.platforms.map(platformFromWire),
      allPlatforms: destination.allPlatforms,
      skipDockerManifest: destination.skipCompatibilityManifest,
      skipNonDistributable: destination.skipNonDistributable,
      ...observed(context),
    });
    return sendBytes(stream, archive).finally(() => stream.end());
  }),
  pair(ContainerPathSchema, WriteStreamSchema, ({ files, streams, scope }, source, destination) => {
    const stream = streams.get(scope, destination.stream);
    const { containerId, path, noWalk } = source;
    const archive = filesFor(files, destination.mediaType).read(scope, containerId, path, { noWalk });
    return sendBytes(stream, archive).finally(() => stream.end());
  }),
  pair(ReadStreamSchema, ContainerPathSchema, ({ files, streams, scope }, source, destination) => {
    const stream = streams.get(scope, source.stream);
    const { containerId, path, preserveOwnership } = destination;
    return filesFor(files, source.mediaType)
      .write(scope, containerId, path, receiveBytes(stream), { preserveOwnership })
      .finally(() => stream.end());
  }),
  pair(ImageStoreSchema, ImageStoreSchema, ({ transfer, scope }, source, destination) => {
    const { image, names } = storeFromWire(destination);
    return transfer.tag(scope, source.name, image, names);
  }),
];

/** @throws not_implemented for another kind of archive */
function filesFor(files: ContainerFiles | undefined, mediaType: string): ContainerFiles {
  if (files === undefined) throw notImplemented('files of containers');
  if (mediaType !== tarType) throw notImplemented(`files of containers as ${JSON.stringify(mediaType)}`);
  return files;
}

const observed = ({ onProgress }: Context) => (onProgress === undefined ? {} : { onProgress });

/** @throws invalid_argument; not_found for a stream that nobody has opened */
function registryEnd({ streams, scope, held }: Context, { reference, resolver }: OCIRegistry): RegistryEnd {
  const { authStream = '', headers = {}, hostDir = '', defaultScheme: scheme = '' } = resolver ?? {};
  if (scheme !== '' && scheme !== 'http' && scheme !== 'https' && scheme !== 'probe')
    throw invalidArgument(`default scheme ${JSON.stringify(scheme)}`);
  const { httpDebug = HTTPDebug.DISABLED, logsStream = '' } = resolver ?? {};
  const heard = httpDebug !== HTTPDebug.DISABLED && logsStream !== '';
  return {
    reference,
    headers,
    ...(authStream !== '' && { credentials: credentialsOver(streams.get(scope, authStream), reference) }),
    ...(hostDir !== '' && { hostDir }),
    ...(scheme !== '' && { defaultScheme: scheme }),
    ...(heard && { watch: held.use(watchOver(streams.get(scope, logsStream), httpDebug)) }),
  };
}

/** What tells a stream of progress; disposed, it ends the stream, after all that it told. @throws not_found */
function observerOver(
  streams: StreamRegistry,
  scope: Scope,
  id: string,
): Disposable & { readonly onProgress?: Observer } {
  if (id === '') return { [Symbol.dispose]: () => {} };
  const stream = streams.get(scope, id);
  return {
    onProgress: (progress) => void stream.send(pack(ProgressSchema, progressToWire(progress))),
    [Symbol.dispose]: () => stream.end(),
  };
}
