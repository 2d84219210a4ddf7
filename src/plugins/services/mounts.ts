import { MountManager } from '#core/mounts/mounts';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { GrpcService } from '#rpc/grpc-services';
import { serveMounts } from '#rpc/mounts/server';

export default definePlugin({
  slot: GrpcService,
  id: 'mounts',
  needs: { mounts: one(MountManager) },
  start: (_, { mounts }) => serveMounts(mounts),
});
