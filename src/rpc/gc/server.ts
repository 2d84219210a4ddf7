import { GC } from '#api/berth/services/gc/v1/gc_pb';
import { usualChains, type WhyKept } from '#core/gc/why';
import { defineService, type Service } from '../service.ts';
import { explanationToWire, objectFromWire } from './convert.ts';

/** More chains than anybody reads, and less than a message holds. */
const mostChains = 1000;

/** Berth's own service about what is kept. */
export function serveGc(kept: WhyKept): Service {
  return defineService(GC, {
    why: async ({ object, maxChains }, { scope }) => {
      const limit = Math.min(maxChains || usualChains, mostChains);
      return explanationToWire(await kept.why(scope, objectFromWire(object), { maxChains: limit }));
    },
  });
}
