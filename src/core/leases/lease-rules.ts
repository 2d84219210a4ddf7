import { randomBytes } from 'node:crypto';
import { invalidArgument, notImplemented } from '#base/errors';
import { now, type Timestamp, toNanos } from '#base/timestamp';
import { storedLabels } from '#core/labels';
import { parseDigest } from '#lib/digest';
import { type Adaptor, absent, field, mapField } from '#lib/filters/filter';
import type { Lease, LeaseResource } from './leases.ts';

/** What a lease store keeps for a new lease; an empty id becomes `<nanos>-<4 characters>`. @throws invalid_argument */
export function createdLease(given: Pick<Lease, 'id' | 'labels'>, at: Timestamp): Lease {
  return { id: given.id === '' ? leaseId() : given.id, createdAt: at, labels: storedLabels(given.labels) };
}

/** A name for a lease or a key that nobody else has. */
export function leaseId(): string {
  return `${toNanos(now())}-${randomBytes(3).toString('base64url')}`;
}

/**
 * Checks what is to be kept.
 *
 * @throws not_implemented for a type that cannot be leased; invalid_argument for a malformed type or digest.
 */
export function checkResource(resource: LeaseResource): void {
  const [kind, ...rest] = resource.type.split('/');
  if (kind === 'content' || kind === 'ingests' || kind === 'images') {
    if (rest.length > 0) throw invalidArgument(`invalid resource type ${resource.type}`);
    if (kind === 'content') parseDigest(resource.id);
  } else if (kind === 'snapshots') {
    if (rest.length !== 1 || rest[0] === '') throw invalidArgument(`invalid resource type ${resource.type}`);
  } else throw notImplemented(`resource type ${resource.type} not supported yet`);
  if (resource.id === '') throw invalidArgument(`resource of type ${resource.type} without id`);
}

/** A lease as filters see it. */
export const leaseFields =
  (lease: Lease): Adaptor =>
  ([head, ...rest]) => {
    if (head === 'id') return field(lease.id);
    return head === 'labels' ? mapField(rest, lease.labels) : absent;
  };
