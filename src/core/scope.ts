import type { Span } from '#base/tracing';

/**
 * What decides the meaning of a call: whose objects it sees, which lease keeps what it makes, and when it is to stop.
 * It is the first argument of every namespaced call, so that forgetting the namespace is a compile error.
 */
export interface Scope {
  readonly namespace: string;
  /** New content, snapshots and images are added to this lease; `not_found` from the mutating call if it does not exist. */
  readonly lease?: string;
  /** When it fires the call throws `canceled` or `deadline_exceeded`; what was not yet acknowledged may or may not be done. */
  readonly signal: AbortSignal;
  /** The traced work that this is part of. */
  readonly trace?: Span;
}

/** A scope that nobody cancels, for work that the daemon does on its own account. */
export function scopeOf(
  namespace: string,
  options: { readonly lease?: string; readonly signal?: AbortSignal } = {},
): Scope {
  return {
    namespace,
    signal: options.signal ?? never,
    ...(options.lease === undefined ? {} : { lease: options.lease }),
  };
}

const never = new AbortController().signal;
