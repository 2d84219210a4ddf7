import { Introspection as IntrospectionService } from '#api/services/introspection/v1/introspection_pb';
import type { Introspection } from '#core/introspection/introspection';
import { defineService, type Service } from '../service.ts';
import { pluginToWire, serverToWire } from './convert.ts';

/** The introspection service. PluginInfo, which came with 2.0, is not answered. */
export function serveIntrospection(introspection: Introspection): Service {
  return defineService(IntrospectionService, {
    plugins: async ({ filters }) => ({ plugins: (await introspection.plugins(filters)).map(pluginToWire) }),
    server: async () => serverToWire(await introspection.server()),
  });
}
