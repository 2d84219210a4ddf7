import { isFault, notImplemented } from '#base/errors';
import type { Descriptor } from '#core/descriptor';
import type { Differ } from './diff.ts';

/**
 * One differ made of several: each call goes to them in order until one does not answer not_implemented.
 * `unpack` is the first one's that has it. @throws not_implemented from a call that none of them takes
 */
export function orderedDiffer(differs: readonly Differ[]): Differ {
  const streaming = differs.find((differ) => differ.unpack !== undefined);
  return {
    apply: (scope, layer, mounts, options) => firstOf(differs, (each) => each.apply(scope, layer, mounts, options)),
    compare: (scope, lower, upper, options) => firstOf(differs, (each) => each.compare(scope, lower, upper, options)),
    ...(streaming?.unpack !== undefined && { unpack: streaming.unpack.bind(streaming) }),
  };
}

async function firstOf(differs: readonly Differ[], call: (differ: Differ) => Promise<Descriptor>): Promise<Descriptor> {
  let refusal: unknown = notImplemented('no differ');
  for (const differ of differs) {
    try {
      return await call(differ);
    } catch (thrown) {
      if (!isFault(thrown, 'not_implemented')) throw thrown;
      refusal = thrown;
    }
  }
  throw refusal;
}
