import type { Transfer } from '#core/transfer/transfer';

/** Transfers whose performer is made with the first: most programs never need this one, and its code takes time to load. */
export function lazyTransfer(load: () => Promise<Transfer>): Transfer {
  let loading: Promise<Transfer> | undefined;
  const performer = () => {
    loading ??= load();
    return loading;
  };
  return {
    pull: async (...words) => (await performer()).pull(...words),
    push: async (...words) => (await performer()).push(...words),
    import: async (...words) => (await performer()).import(...words),
    tag: async (...words) => (await performer()).tag(...words),
    export: async function* (...words) {
      yield* (await performer()).export(...words);
    },
  };
}
