import { Introspection as IntrospectionService } from '#api/services/introspection/v1/introspection_pb';
import type { Introspection } from '#core/introspection/introspection';
import { clientOf } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { pluginFromWire, serverFromWire } from './convert.ts';

/** What a daemon says of itself. */
export function remoteIntrospection(transport: Transport): Introspection {
  const client = clientOf(IntrospectionService, transport);
  return {
    plugins: async (filters = []) => (await client.plugins({ filters: [...filters] })).plugins.map(pluginFromWire),
    server: async () => serverFromWire(await client.server({})),
  };
}
