import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { Transfer as TransferService } from '#api/services/transfer/v1/transfer_pb';
import { ContainerPathSchema } from '#api/types/transfer/container_pb';
import { ReadStreamSchema, WriteStreamSchema } from '#api/types/transfer/streaming_pb';
import type { Scope } from '#core/scope';
import type { ContainerFiles } from '#core/transfer/container-files';
import { pack } from '../any.ts';
import { clientOf, withScope } from '../grpc-client.ts';
import { receiveBytes, sendBytes } from '../streaming/bytes.ts';
import { openStream } from '../streaming/client.ts';
import type { Transport } from '../transport.ts';
import { anyToWire } from '../values.ts';

/** The one kind of archive that files of containers travel in. */
export const tarType = 'application/x-tar';

/** Files of a daemon's containers. */
export function remoteContainerFiles(transport: Transport): ContainerFiles {
  const transfer = async <F extends DescMessage, T extends DescMessage>(
    scope: Scope,
    [from, source]: readonly [F, MessageInitShape<F>],
    [to, destination]: readonly [T, MessageInitShape<T>],
  ) => {
    const request = { source: anyToWire(pack(from, source)), destination: anyToWire(pack(to, destination)) };
    await clientOf(TransferService, transport).transfer(request, withScope(scope));
  };
  return {
    async *read(scope, containerId, path, { noWalk = false } = {}) {
      using stream = await openStream(transport, scope, 'files');
      const destination = { stream: stream.id, mediaType: tarType };
      const done = transfer(
        scope,
        [ContainerPathSchema, { containerId, path, noWalk }],
        [WriteStreamSchema, destination],
      );
      done.catch(() => stream[Symbol.dispose]()); // a transfer that fails before it has found the stream leaves it open
      try {
        yield* receiveBytes(stream);
      } catch (thrown) {
        await done;
        throw thrown;
      }
      await done;
    },
    async write(scope, containerId, path, archive, { preserveOwnership = false } = {}) {
      using stream = await openStream(transport, scope, 'files');
      const source = { stream: stream.id, mediaType: tarType };
      const target = { containerId, path, preserveOwnership };
      const sent = sendBytes(stream, archive);
      const failed = new Promise<never>((_, reject) => void sent.catch(reject));
      await Promise.race([transfer(scope, [ReadStreamSchema, source], [ContainerPathSchema, target]), failed]);
    },
  };
}
