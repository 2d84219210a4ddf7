import { definePlugin } from '#core/plugin/plugin';
import { maybe, one } from '#core/plugin/slot';
import { ContainerFiles } from '#core/transfer/container-files';
import { Transfer } from '#core/transfer/transfer';
import { GrpcService } from '#rpc/grpc-services';
import { Streams } from '#rpc/streaming/registry';
import { serveTransfer } from '#rpc/transfer/server';

export default definePlugin({
  slot: GrpcService,
  id: 'transfer',
  needs: { transfer: one(Transfer), streams: one(Streams), files: maybe(ContainerFiles) },
  start: (_, { transfer, streams, files }) => serveTransfer(transfer, streams, files),
});
