import { GC } from '#api/berth/services/gc/v1/gc_pb';
import type { WhyKept } from '#core/gc/why';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { explanationFromWire } from './convert.ts';

/** What a daemon keeps, and why. Only Berth answers: others are `not_implemented`. */
export function remoteGc(transport: Transport): WhyKept {
  const client = clientOf(GC, transport);
  return {
    why: async (scope, { kind, key }, { maxChains = 0 } = {}) =>
      explanationFromWire(await client.why({ object: { kind, key }, maxChains }, withScope(scope))),
  };
}
