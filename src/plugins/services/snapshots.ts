import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { GrpcService } from '#rpc/grpc-services';
import { serveSnapshots } from '#rpc/snapshots/server';

export default definePlugin({
  slot: GrpcService,
  id: 'snapshots',
  needs: { metadata: one(Metadata) },
  start: (_, { metadata }) => serveSnapshots(metadata.snapshotters),
});
