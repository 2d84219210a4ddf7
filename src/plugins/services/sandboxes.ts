import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { SandboxStore } from '#core/sandboxes/sandboxes';
import { GrpcService } from '#rpc/grpc-services';
import { serveSandboxStore } from '#rpc/sandboxes/store-server';

export default definePlugin({
  slot: GrpcService,
  id: 'sandboxes',
  needs: { store: one(SandboxStore, 'local') },
  start: (_, { store }) => serveSandboxStore(store),
});
