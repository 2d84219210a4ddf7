import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { GrpcService } from '#rpc/grpc-services';
import { serveNamespaces } from '#rpc/namespaces/server';

export default definePlugin({
  slot: GrpcService,
  id: 'namespaces',
  needs: { metadata: one(Metadata) },
  start: (_, { metadata }) => serveNamespaces(metadata.namespaces),
});
