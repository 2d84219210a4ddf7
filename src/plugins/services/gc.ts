import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { serveGc } from '#rpc/gc/server';
import { GrpcService } from '#rpc/grpc-services';

/** Berth's own: why things are kept. */
export default definePlugin({
  slot: GrpcService,
  id: 'gc',
  needs: { metadata: one(Metadata) },
  start: (_, { metadata }) => serveGc(metadata),
});
