import { Networks } from '#core/networks/networks';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { GrpcService } from '#rpc/grpc-services';
import { serveNetworks } from '#rpc/networks/server';

/** Berth's own: containers in networks. */
export default definePlugin({
  slot: GrpcService,
  id: 'networks',
  needs: { networks: one(Networks, 'networks') },
  start: (_, { networks }) => serveNetworks(networks),
});
