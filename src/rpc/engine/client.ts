import { Engine } from '#api/berth/services/engine/v1/engine_pb';
import type { ContainerSummaries, ContainerSummary } from '#core/engine/container-summary';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';

/** A daemon's summaries of containers. Only Berth answers: others are `not_implemented`. */
export function remoteSummaries(transport: Transport): ContainerSummaries {
  const client = clientOf(Engine, transport);
  return {
    list: async (scope) => {
      const { summaries } = await client.listContainers({}, withScope(scope));
      return JSON.parse(Buffer.from(summaries).toString()) as readonly ContainerSummary[];
    },
  };
}
