import type { Operations } from '#base/operations';
import type { CallInfo, CallObserver } from '#rpc/call';

/** Lists every call that is under way. */
export function pendingCalls(operations: Operations): CallObserver {
  const pending = new Map<CallInfo, Disposable>();
  return {
    started(call) {
      const { service, method, namespace } = call;
      pending.set(
        call,
        operations.begin('call', `${service}/${method}${namespace === undefined ? '' : ` in ${namespace}`}`),
      );
    },
    ended(call) {
      pending.get(call)?.[Symbol.dispose]();
      pending.delete(call);
    },
  };
}
