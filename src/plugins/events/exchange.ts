import type { Any } from '#base/any';
import { invalidArgument, wrap } from '#base/errors';
import type { Log } from '#base/log';
import { now } from '#base/timestamp';
import { type Envelope, Events } from '#core/events/events';
import { definePlugin } from '#core/plugin/plugin';
import { absent, field, parseFilters } from '#lib/filters/filter';
import { checkIdentifier } from '#lib/identifier';
import { eventFields } from './event-fields.ts';
import { Missed } from './missed.ts';
import { Subscription } from './subscription.ts';

/** Where events are published and from where subscribers have them. */
export default definePlugin({
  slot: Events,
  id: 'exchange',
  start({ daemon, log }) {
    const exchange = new EventExchange(log);
    daemon.metrics.source('berth_event_subscribers', 'gauge', 'Subscriptions to events.', () => [
      { value: exchange.subscribers },
    ]);
    daemon.metrics.source('berth_events_waiting', 'gauge', 'Events that subscribers have not read yet.', () => [
      { value: exchange.waiting },
    ]);
    return exchange;
  },
});

export class EventExchange implements Events, Disposable {
  readonly #log: Log;
  readonly #missed: Missed;
  readonly #subscriptions = new Set<Subscription>();
  #last: { readonly envelope: Envelope; readonly fields: Fields } | undefined;

  constructor(log: Log, missed = new Missed()) {
    this.#log = log;
    this.#missed = missed;
  }

  get subscribers(): number {
    return this.#subscriptions.size;
  }

  /** Events in all queues together. */
  get waiting(): number {
    return [...this.#subscriptions].reduce((sum, { length }) => sum + length, 0);
  }

  async publish(namespace: string, topic: string, event: Any): Promise<void> {
    this.#send({ timestamp: now(), namespace, topic, event });
  }

  async forward(envelope: Envelope): Promise<void> {
    this.#send(envelope);
  }

  subscribe(signal: AbortSignal, filters: readonly string[] = []): AsyncIterable<Envelope> {
    const filter = parseFilters(filters);
    const accepts = (envelope: Envelope) => filter.match(this.#fieldsOf(envelope));
    const end = () => subscription.end();
    const subscription = new Subscription(accepts, this.#log.with({ filters }), () => {
      this.#subscriptions.delete(subscription);
      signal.removeEventListener('abort', end);
    });
    this.#subscriptions.add(subscription);
    for (const envelope of this.#missed.events) subscription.offer(envelope);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    return subscription;
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription.end();
  }

  /** Of one event, for all its subscribers one after the other. */
  #fieldsOf(envelope: Envelope): Fields {
    if (this.#last?.envelope !== envelope) this.#last = { envelope, fields: adaptorOf(envelope) };
    return this.#last.fields;
  }

  #send(envelope: Envelope): void {
    check(envelope);
    this.#log.debug('event', () => ({ topic: envelope.topic, ns: envelope.namespace, type: envelope.event.typeUrl }));
    this.#missed.note(envelope);
    for (const subscription of this.#subscriptions) subscription.offer(envelope);
  }
}

type Fields = ReturnType<typeof adaptorOf>;

function adaptorOf({ namespace, topic, event }: Envelope) {
  const inside = eventFields(event);
  return ([name, ...rest]: readonly string[]) => {
    if (name === 'namespace') return field(namespace);
    if (name === 'topic') return field(topic);
    return name === 'event' ? inside(rest) : absent;
  };
}

function check({ namespace, topic }: Envelope): void {
  const subject = `topic ${JSON.stringify(topic.slice(0, 200))}`;
  try {
    checkIdentifier(namespace);
  } catch (thrown) {
    throw wrap(thrown, `event namespace ${JSON.stringify(namespace.slice(0, 200))}`);
  }
  if (topic === '') throw invalidArgument('event topic must not be empty');
  if (!topic.startsWith('/') || topic.length === 1)
    throw invalidArgument(`${subject}: wanted /a/b, each part an identifier`);
  for (const part of topic.slice(1).split('/')) {
    try {
      checkIdentifier(part);
    } catch (thrown) {
      throw wrap(thrown, `${subject}: component ${JSON.stringify(part.slice(0, 200))}`);
    }
  }
}
