import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { GrpcService } from '#rpc/grpc-services';
import { Streams } from '#rpc/streaming/registry';
import { serveStreaming } from '#rpc/streaming/server';

export default definePlugin({
  slot: GrpcService,
  id: 'streaming',
  needs: { streams: one(Streams) },
  start: (_, { streams }) => serveStreaming(streams),
});
