import type { Metadata } from '@grpc/grpc-js';
import { failedPrecondition, fault, wrap } from '#base/errors';
import type { Span } from '#base/tracing';
import type { Scope } from '#core/scope';
import { checkIdentifier } from '#lib/identifier';

export const namespaceHeader = 'containerd-namespace';
export const leaseHeader = 'containerd-lease';

/** What a handler may know of the call that it answers, apart from the request. */
export interface Call {
  /** Fires when the client goes away or cancels, when the deadline passes, and when the call has ended. */
  readonly signal: AbortSignal;
  /** @throws failed_precondition (`namespace is required`) without the header; invalid_argument for a malformed one */
  readonly namespace: string;
  readonly lease: string | undefined;
  /** Namespace, lease and signal as one. @throws as `namespace` does */
  readonly scope: Scope;
  /** The first value of a header, in lower case. */
  header(name: string): string | undefined;
  readonly peer: string;
}

/** A call as observers see it: the same object at its start and at its end. */
export interface CallInfo {
  readonly service: string;
  readonly method: string;
  readonly kind: 'unary' | 'server_stream' | 'bidi_stream';
  readonly namespace: string | undefined;
  /** `performance.now()` at the start. */
  readonly startedAtMs: number;
  /** Messages so far. */
  readonly received: number;
  readonly sent: number;
}

/** For metrics, and for the list of calls that are under way. Must not throw. */
export interface CallObserver {
  started(call: CallInfo): void;
  /** `code` as in gRPC, 0 for success. */
  ended(call: CallInfo, code: number): void;
}

interface Surface {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  getDeadline(): Date | number;
  once(event: 'cancelled', listener: () => void): unknown;
}

// One for all calls: every call ends by it, and making an error costs more than most of what a call does.
const over = fault('canceled');

/** @internal A call on grpc-js's side. */
export class ServerCall implements Call {
  readonly #surface: Surface;
  readonly #abort = new AbortController();
  /** The call as a piece of traced work. */
  trace: Span | undefined;

  constructor(surface: Surface) {
    this.#surface = surface;
    if (surface.cancelled) this.end();
    else surface.once('cancelled', () => this.end());
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get namespace(): string {
    const namespace = this.header(namespaceHeader);
    if (namespace === undefined || namespace === '') throw failedPrecondition('namespace is required');
    try {
      checkIdentifier(namespace);
    } catch (thrown) {
      throw wrap(thrown, 'namespace validation');
    }
    return namespace;
  }

  get lease(): string | undefined {
    return this.header(leaseHeader) || undefined;
  }

  get scope(): Scope {
    const { namespace, lease, signal, trace } = this;
    return { namespace, signal, ...(lease !== undefined && { lease }), ...(trace && { trace }) };
  }

  get peer(): string {
    return this.#surface.getPeer();
  }

  header(name: string): string | undefined {
    const value = this.#surface.metadata.get(name)[0];
    return value === undefined ? undefined : String(value);
  }

  /** Fires the signal, with `deadline_exceeded` for reason when that is why. */
  end(): void {
    if (this.#abort.signal.aborted) return;
    const late = Number(this.#surface.getDeadline()) <= Date.now();
    this.#abort.abort(late ? new DOMException('the deadline has passed', 'TimeoutError') : over);
  }
}
