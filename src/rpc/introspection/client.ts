import { Introspection as IntrospectionService } from '#api/services/introspection/v1/introspection_pb';
import { invalidArgument } from '#base/errors';
import type { Introspection } from '#core/introspection/introspection';
import { clientOf } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { anyFromWire, anyToWire } from '../values.ts';
import { pluginFromWire, serverFromWire } from './convert.ts';

/** What a daemon says of itself. */
export function remoteIntrospection(transport: Transport): Introspection {
  const client = clientOf(IntrospectionService, transport);
  return {
    plugins: async (filters = []) => (await client.plugins({ filters: [...filters] })).plugins.map(pluginFromWire),
    server: async () => serverFromWire(await client.server({})),
    async plugin(type, id, question, signal) {
      const options = question === undefined ? {} : { options: anyToWire(question) };
      const { plugin, extra } = await client.pluginInfo(
        { type, id, ...options },
        signal === undefined ? {} : { signal },
      );
      if (plugin === undefined) throw invalidArgument(`an answer without the plugin ${type}.${id}`);
      return { plugin: pluginFromWire(plugin), ...(extra !== undefined && { extra: anyFromWire(extra) }) };
    },
  };
}
