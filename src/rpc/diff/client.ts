import { Diff } from '#api/services/diff/v1/diff_pb';
import type { Differ } from '#core/diff/diff';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { anyToWire, descriptorFromWire, descriptorToWire, mapValues, mountToWire, timestampToWire } from '../values.ts';

/** A daemon's differs. */
export function remoteDiffer(transport: Transport): Differ {
  const client = clientOf(Diff, transport);
  return {
    apply: async (scope, layer, mounts, { payloads = {}, syncFs = false } = {}) => {
      const request = {
        diff: descriptorToWire(layer),
        mounts: mounts.map(mountToWire),
        payloads: mapValues(payloads, anyToWire),
        syncFs,
      };
      return descriptorFromWire((await client.apply(request, withScope(scope))).applied, 'applied');
    },
    compare: async (scope, lower, upper, { mediaType = '', ref = '', labels = {}, sourceDateEpoch } = {}) => {
      const request = {
        left: lower.map(mountToWire),
        right: upper.map(mountToWire),
        mediaType,
        ref,
        labels: { ...labels },
        ...(sourceDateEpoch !== undefined && { sourceDateEpoch: timestampToWire(sourceDateEpoch) }),
      };
      return descriptorFromWire((await client.diff(request, withScope(scope))).diff, 'diff');
    },
  };
}
