import { Engine } from '#api/berth/services/engine/v1/engine_pb';
import type { ContainerSummaries } from '#core/engine/container-summary';
import { defineService, type Service } from '../service.ts';

/** Berth's own service for those who list containers. */
export function serveEngine(summaries: ContainerSummaries): Service {
  return defineService(Engine, {
    listContainers: async (_, { scope }) => ({
      summaries: Buffer.from(JSON.stringify(await summaries.list(scope))),
    }),
  });
}
