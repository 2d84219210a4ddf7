import { toBinary } from '@bufbuild/protobuf';
import { AnySchema, type Timestamp as WireTimestamp } from '@bufbuild/protobuf/wkt';
import type { Mount as WireMount } from '#api/types/mount_pb';
import { Status } from '#api/types/task/task_pb';
import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import type { Mount } from '#core/mount';
import type { TaskStatus } from '#core/runtime/runtime';

/** What a shim's messages and the domain call differently. */

export const toWireAny = (any: Any) => ({
  $typeName: 'google.protobuf.Any' as const,
  typeUrl: any.typeUrl,
  value: any.value,
});

export const encodeAny = (any: Any): Uint8Array => toBinary(AnySchema, toWireAny(any));

export const toWireMount = (mount: Mount): WireMount => ({
  $typeName: 'containerd.types.Mount',
  type: mount.type,
  source: mount.source,
  target: mount.target,
  options: [...mount.options],
});

/** Go encodes its zero time as a moment of the year 1: that is no time at all. */
export function fromWireTimestamp(at: WireTimestamp | undefined): Timestamp | undefined {
  if (at === undefined || at.seconds <= 0n) return undefined;
  return { seconds: Number(at.seconds), nanos: at.nanos };
}

export const toWireTimestamp = (at: Timestamp): WireTimestamp => ({
  $typeName: 'google.protobuf.Timestamp',
  seconds: BigInt(at.seconds),
  nanos: at.nanos,
});

const statuses: Readonly<Record<number, TaskStatus>> = {
  [Status.CREATED]: 'created',
  [Status.RUNNING]: 'running',
  [Status.STOPPED]: 'stopped',
  [Status.PAUSED]: 'paused',
  [Status.PAUSING]: 'pausing',
};
export const fromWireStatus = (status: Status): TaskStatus => statuses[status] ?? 'unknown';
