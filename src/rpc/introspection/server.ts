import { Introspection as IntrospectionService } from '#api/services/introspection/v1/introspection_pb';
import type { Introspection } from '#core/introspection/introspection';
import { defineService, type Service } from '../service.ts';
import { anyFromWire, anyToWire } from '../values.ts';
import { pluginToWire, serverToWire } from './convert.ts';

/** The introspection service. */
export function serveIntrospection(introspection: Introspection): Service {
  return defineService(IntrospectionService, {
    plugins: async ({ filters }) => ({ plugins: (await introspection.plugins(filters)).map(pluginToWire) }),
    server: async () => serverToWire(await introspection.server()),
    async pluginInfo({ type, id, options }, { signal }) {
      const question = options === undefined ? undefined : anyFromWire(options);
      const { plugin, extra } = await introspection.plugin(type, id, question, signal);
      return { plugin: pluginToWire(plugin), ...(extra !== undefined && { extra: anyToWire(extra) }) };
    },
  });
}
