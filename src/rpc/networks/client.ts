import { Networks as NetworksService } from '#api/berth/services/networks/v1/networks_pb';
import type { Networks } from '#core/networks/networks';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { attachmentToWire, connectedFromWire } from './convert.ts';

/** Containers in networks. Only Berth answers: others are `not_implemented`. */
export function remoteNetworks(transport: Transport): Networks {
  const client = clientOf(NetworksService, transport);
  return {
    connect: async (scope, container, attachment) => {
      await client.connect({ container, attachment: attachmentToWire(attachment) }, withScope(scope));
    },
    disconnect: async (scope, container, network) => {
      await client.disconnect({ container, network }, withScope(scope));
    },
    state: async (scope, container = '') => {
      const { containers } = await client.state({ container }, withScope(scope));
      return containers.map(connectedFromWire);
    },
  };
}
