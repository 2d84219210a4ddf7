import { Networks as NetworksService } from '#api/berth/services/networks/v1/networks_pb';
import type { Networks } from '#core/networks/networks';
import { defineService, type Service } from '../service.ts';
import { attachmentFromWire, connectedToWire } from './convert.ts';

/** Berth's own service about containers in networks. */
export function serveNetworks(networks: Omit<Networks, 'attendant'>): Service {
  return defineService(NetworksService, {
    connect: async ({ container, attachment }, { scope }) => {
      await networks.connect(scope, container, attachmentFromWire(attachment));
      return {};
    },
    disconnect: async ({ container, network }, { scope }) => {
      await networks.disconnect(scope, container, network);
      return {};
    },
    state: async ({ container }, { scope }) => ({
      containers: (await networks.state(scope, container === '' ? undefined : container)).map(connectedToWire),
    }),
  });
}
