import { create } from '@bufbuild/protobuf';
import { LeaseSchema, type Lease as WireLease, type Resource as WireResource } from '#api/services/leases/v1/leases_pb';
import { invalidArgument } from '#base/errors';
import type { Lease, LeaseResource } from '#core/leases/leases';
import { timestampFromWire, timestampToWire } from '../values.ts';

export function leaseToWire({ id, createdAt, labels }: Lease): WireLease {
  return create(LeaseSchema, { id, createdAt: timestampToWire(createdAt), labels: { ...labels } });
}

/** @throws invalid_argument */
export function leaseFromWire(wire: WireLease | undefined): Lease {
  if (wire === undefined) throw invalidArgument('lease is required');
  return { id: wire.id, createdAt: timestampFromWire(wire.createdAt), labels: wire.labels };
}

/** @throws invalid_argument when it is absent */
export function resourceFromWire(wire: WireResource | undefined): LeaseResource {
  if (wire === undefined) throw invalidArgument('resource is required');
  return { type: wire.type, id: wire.id };
}
