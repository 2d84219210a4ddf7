import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { serveContent } from '#rpc/content/server';
import { GrpcService } from '#rpc/grpc-services';

export default definePlugin({
  slot: GrpcService,
  id: 'content',
  needs: { metadata: one(Metadata) },
  start: (_, { metadata }) => serveContent(metadata.content),
});
