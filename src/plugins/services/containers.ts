import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { serveContainers } from '#rpc/containers/server';
import { GrpcService } from '#rpc/grpc-services';

export default definePlugin({
  slot: GrpcService,
  id: 'containers',
  needs: { metadata: one(Metadata) },
  start: (_, { metadata }) => serveContainers(metadata.containers),
});
