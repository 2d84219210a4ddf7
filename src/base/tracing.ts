import { messageOf } from './errors.ts';

export type SpanKind = 'server' | 'client' | 'internal';
export type SpanAttributes = Readonly<Record<string, string | number>>;

/** A piece of work that is being traced, and the place that pieces within it belong to. Disposed, it ends. */
export interface Span extends Disposable {
  /** What another program needs to continue it: headers of W3C Trace Context. */
  readonly headers: Readonly<Record<string, string>>;
  begin(name: string, kind?: SpanKind, attributes?: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  fail(message: string): void;
}

/** Takes spans to where somebody looks at them. */
export interface Tracer {
  /** `headers`: what came with the call that this is, if anything. */
  begin(name: string, kind: SpanKind, attributes: SpanAttributes, headers: Readonly<Record<string, string>>): Span;
}

/** The daemon's place for a tracer. Without one nothing is traced, and asking costs a comparison. */
export class Tracing {
  #tracer: Tracer | undefined;

  /** Hands spans to this tracer until the result is disposed. */
  use(tracer: Tracer): Disposable {
    this.#tracer = tracer;
    return {
      [Symbol.dispose]: () => {
        if (this.#tracer === tracer) this.#tracer = undefined;
      },
    };
  }

  get tracer(): Tracer | undefined {
    return this.#tracer;
  }
}

/** Does a piece of work in a span, and ends that with how the work ended. */
export async function traced<T>(span: Span | undefined, work: () => Promise<T>): Promise<T> {
  if (span === undefined) return work();
  using open = span;
  try {
    return await work();
  } catch (thrown) {
    open.fail(messageOf(thrown));
    throw thrown;
  }
}
