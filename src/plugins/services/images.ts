import { Collector } from '#core/gc/collector';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { GrpcService } from '#rpc/grpc-services';
import { serveImages } from '#rpc/images/server';

export default definePlugin({
  slot: GrpcService,
  id: 'images',
  needs: { metadata: one(Metadata), collector: one(Collector) },
  start: (_, { metadata, collector }) => serveImages(metadata.images, collector),
});
