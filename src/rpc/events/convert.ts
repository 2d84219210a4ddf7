import { create } from '@bufbuild/protobuf';
import { EnvelopeSchema, type Envelope as WireEnvelope } from '#api/types/event_pb';
import { invalidArgument } from '#base/errors';
import type { Envelope } from '#core/events/events';
import { anyToWire, someAnyFromWire, someTimestampFromWire, timestampToWire } from '../values.ts';

export function envelopeToWire({ timestamp, namespace, topic, event }: Envelope): WireEnvelope {
  return create(EnvelopeSchema, { timestamp: timestampToWire(timestamp), namespace, topic, event: anyToWire(event) });
}

/** @throws invalid_argument for an absent envelope, or one without a time */
export function envelopeFromWire(wire: WireEnvelope | undefined): Envelope {
  if (wire === undefined) throw invalidArgument('envelope is required');
  const timestamp = someTimestampFromWire(wire.timestamp);
  if (timestamp === undefined) throw invalidArgument('timestamp must be set on forwarded event');
  return { timestamp, namespace: wire.namespace, topic: wire.topic, event: someAnyFromWire(wire.event) };
}
