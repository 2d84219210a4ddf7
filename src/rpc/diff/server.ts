import { Diff } from '#api/services/diff/v1/diff_pb';
import type { Differ } from '#core/diff/diff';
import { defineService, type Service } from '../service.ts';
import {
  anyFromWire,
  descriptorFromWire,
  descriptorToWire,
  mapValues,
  mountFromWire,
  someTimestampFromWire,
} from '../values.ts';

/** The diff service on a differ. */
export function serveDiff(differ: Differ): Service {
  return defineService(Diff, {
    apply: async ({ diff, mounts, payloads, syncFs }, { scope }) => {
      const options = { payloads: mapValues(payloads, anyFromWire), syncFs };
      const applied = await differ.apply(scope, descriptorFromWire(diff, 'diff'), mounts.map(mountFromWire), options);
      return { applied: descriptorToWire(applied) };
    },
    diff: async ({ left, right, mediaType, ref, labels, sourceDateEpoch }, { scope }) => {
      const epoch = someTimestampFromWire(sourceDateEpoch);
      const made = await differ.compare(scope, left.map(mountFromWire), right.map(mountFromWire), {
        labels,
        ...(mediaType !== '' && { mediaType }),
        ...(ref !== '' && { ref }),
        ...(epoch !== undefined && { sourceDateEpoch: epoch }),
      });
      return { diff: descriptorToWire(made) };
    },
  });
}
