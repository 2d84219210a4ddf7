import { Events as EventsService } from '#api/services/events/v1/events_pb';
import type { Envelope, Events } from '#core/events/events';
import { defineService, type Service } from '../service.ts';
import { shareMessage } from '../shared-message.ts';
import { someAnyFromWire } from '../values.ts';
import { envelopeFromWire, envelopeToWire } from './convert.ts';

// Most events go to several subscribers.
const wired = new WeakMap<Envelope, ReturnType<typeof envelopeToWire>>();

function toWire(envelope: Envelope): ReturnType<typeof envelopeToWire> {
  const known = wired.get(envelope);
  if (known !== undefined) return known;
  const made = shareMessage(envelopeToWire(envelope));
  wired.set(envelope, made);
  return made;
}

/** The events service on an exchange. A subscription needs no namespace: it sees all of them. */
export function serveEvents(events: Events): Service {
  return defineService(EventsService, {
    publish: async ({ topic, event }, { namespace }) => {
      await events.publish(namespace, topic, someAnyFromWire(event));
      return {};
    },
    forward: async ({ envelope }) => {
      await events.forward(envelopeFromWire(envelope));
      return {};
    },
    subscribe: async function* ({ filters }, { signal }) {
      for await (const envelope of events.subscribe(signal, filters)) yield toWire(envelope);
    },
  });
}
