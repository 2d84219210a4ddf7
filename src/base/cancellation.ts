import { fault } from './errors.ts';

/** Throws `canceled` or `deadline_exceeded` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortFault(signal);
}

/** What a call that its signal cut short must throw. */
export function abortFault(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  const late = reason instanceof Error && reason.name === 'TimeoutError';
  return fault(late ? 'deadline_exceeded' : 'canceled', undefined, reason);
}

/** A signal that fires when any of them does, or after `timeoutMs`. */
export function within(timeoutMs: number, ...signals: readonly AbortSignal[]): AbortSignal {
  return AbortSignal.any([...signals, AbortSignal.timeout(timeoutMs)]);
}

/** Settles as `work` does, or throws as soon as the signal fires; `work` itself goes on unless it listens to the signal too. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {}); // told below, unless the signal came first: then nobody wants to know
  throwIfAborted(signal);
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(abortFault(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Waits; throws as soon as the signal fires. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(done.resolve, ms);
  return abortable(done.promise, signal).finally(() => clearTimeout(timer));
}
