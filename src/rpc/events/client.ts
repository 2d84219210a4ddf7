import { Events as EventsService } from '#api/services/events/v1/events_pb';
import type { Envelope, Events } from '#core/events/events';
import { namespaceHeader } from '../call.ts';
import { clientOf } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { anyToWire } from '../values.ts';
import { envelopeFromWire, envelopeToWire } from './convert.ts';

/** A daemon's events. */
export function remoteEvents(transport: Transport): Events {
  const client = clientOf(EventsService, transport);
  return {
    publish: async (namespace, topic, event) => {
      await client.publish({ topic, event: anyToWire(event) }, { headers: { [namespaceHeader]: namespace } });
    },
    forward: async (envelope) => {
      await client.forward({ envelope: envelopeToWire(envelope) });
    },
    subscribe: (signal, filters = []) => envelopes(client.subscribe({ filters: [...filters] }, { signal }), signal),
  };
}

/** Ends without an error when the signal fires, as a subscription does that is not remote. */
async function* envelopes(
  messages: AsyncIterable<Parameters<typeof envelopeFromWire>[0]>,
  signal: AbortSignal,
): AsyncGenerator<Envelope> {
  try {
    for await (const message of messages) yield envelopeFromWire(message);
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}
