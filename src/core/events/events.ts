import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import { slot } from '#core/plugin/slot';

/** An event on its way: when, where, of what kind (`/tasks/exit`) and what. */
export interface Envelope {
  readonly timestamp: Timestamp;
  readonly namespace: string;
  readonly topic: string;
  readonly event: Any;
}

/**
 * Everybody's notice board. Nothing is kept: who subscribes late has missed it. One exception: what containers from an earlier life
 * of the daemon have to tell in its first seconds also reaches those who subscribe then.
 */
export interface Events {
  /** Tells all subscribers, stamped with the present. @throws invalid_argument for a malformed topic or namespace */
  publish(namespace: string, topic: string, event: Any): Promise<void>;
  /** The same with the sender's own time and namespace. @throws invalid_argument */
  forward(envelope: Envelope): Promise<void>;
  /**
   * Events of all namespaces that match any of the filters (namespace, topic, event.<field>), from the moment of the call (not of
   * the first `next`), in order of publication. Ends when the signal fires. A slow reader costs memory, never the publisher's time.
   * @throws resource_exhausted, from `next`, to a reader that has so much waiting that he may be taken for dead
   */
  subscribe(signal: AbortSignal, filters?: readonly string[]): AsyncIterable<Envelope>;
}
export const Events = slot<Events>('io.containerd.event.v1');
