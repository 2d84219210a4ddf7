import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Transfer } from '#core/transfer/transfer';
import { GrpcService } from '#rpc/grpc-services';
import { Streams } from '#rpc/streaming/registry';
import { serveTransfer } from '#rpc/transfer/server';

export default definePlugin({
  slot: GrpcService,
  id: 'transfer',
  needs: { transfer: one(Transfer), streams: one(Streams) },
  start: (_, { transfer, streams }) => serveTransfer(transfer, streams),
});
