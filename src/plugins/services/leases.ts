import { Collector } from '#core/gc/collector';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { GrpcService } from '#rpc/grpc-services';
import { serveLeases } from '#rpc/leases/server';

export default definePlugin({
  slot: GrpcService,
  id: 'leases',
  needs: { metadata: one(Metadata), collector: one(Collector) },
  start: (_, { metadata, collector }) => serveLeases(metadata.leases, collector),
});
