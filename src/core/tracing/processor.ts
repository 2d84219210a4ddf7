import type { Tracer } from '#base/tracing';
import { type Slot, slot } from '#core/plugin/slot';

/** Takes spans out of the daemon. */
export interface TracingProcessor {
  readonly tracer: Tracer;
}
export const TracingProcessor: Slot<TracingProcessor> = slot('io.containerd.tracing.processor.v1');
