import { create } from '@bufbuild/protobuf';
import type { Any as WireAny, Timestamp as WireTimestamp } from '@bufbuild/protobuf/wkt';
import type { ControllerStatusResponse } from '#api/services/sandbox/v1/sandbox_pb';
import { MetricSchema, type Metric as WireMetric } from '#api/types/metrics_pb';
import { Sandbox_RuntimeSchema, SandboxSchema, type Sandbox as WireSandbox } from '#api/types/sandbox_pb';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import type { SandboxMetric, SandboxStatus, TaskEndpoint } from '#core/sandboxes/controller';
import type { NewSandbox, Sandbox } from '#core/sandboxes/sandboxes';
import {
  anyFromWire,
  anyToWire,
  mapValues,
  someTimestampFromWire,
  timestampFromWire,
  timestampToWire,
} from '../values.ts';

export function sandboxToWire(sandbox: Sandbox): WireSandbox {
  const wire = newSandboxToWire(sandbox);
  wire.createdAt = timestampToWire(sandbox.createdAt);
  wire.updatedAt = timestampToWire(sandbox.updatedAt);
  return wire;
}

const nothing: Any = { typeUrl: '', value: new Uint8Array(0) };

/** Runtime, options and spec are there even when they are empty: containerd's clients take it for granted. */
export function newSandboxToWire({ id, labels, runtime, spec, sandboxer, extensions }: NewSandbox): WireSandbox {
  return create(SandboxSchema, {
    sandboxId: id,
    labels: { ...labels },
    runtime: create(Sandbox_RuntimeSchema, { name: runtime.name, options: anyToWire(runtime.options ?? nothing) }),
    spec: anyToWire(spec ?? nothing),
    sandboxer,
    extensions: mapValues(extensions, anyToWire),
  });
}

/** @throws invalid_argument for an absent sandbox, or a time that is none */
export function sandboxFromWire(wire: WireSandbox | undefined): Sandbox {
  const sandbox = newSandboxFromWire(wire);
  return { ...sandbox, createdAt: timestampFromWire(wire?.createdAt), updatedAt: timestampFromWire(wire?.updatedAt) };
}

/** Without the times, which are the store's. @throws invalid_argument for an absent sandbox */
export function newSandboxFromWire(wire: WireSandbox | undefined): NewSandbox {
  if (wire === undefined) throw invalidArgument('sandbox is required');
  const [options, spec] = [filledAny(wire.runtime?.options), filledAny(wire.spec)];
  return {
    id: wire.sandboxId,
    labels: wire.labels,
    runtime: { name: wire.runtime?.name ?? '', ...(options !== undefined && { options }) },
    ...(spec !== undefined && { spec }),
    sandboxer: wire.sandboxer,
    extensions: mapValues(wire.extensions, anyFromWire),
  };
}

/** Nothing for one that is absent or empty: Go programs send an empty one for none. */
export const filledAny = (wire: WireAny | undefined): Any | undefined =>
  wire === undefined || (wire.typeUrl === '' && wire.value.length === 0) ? undefined : anyFromWire(wire);

export const endpointToWire = (endpoint: TaskEndpoint | undefined): TaskEndpoint =>
  endpoint ?? { address: '', version: 0 };

export const endpointFromWire = ({ address, version }: TaskEndpoint): { readonly endpoint?: TaskEndpoint } =>
  address === '' ? {} : { endpoint: { address, version } };

export function statusToWire({ id, pid, state, info, createdAt, exitedAt, extra, endpoint }: SandboxStatus) {
  return {
    ...{ sandboxId: id, pid, state, info: { ...info }, ...endpointToWire(endpoint) },
    ...(createdAt !== undefined && { createdAt: timestampToWire(createdAt) }),
    ...(exitedAt !== undefined && { exitedAt: timestampToWire(exitedAt) }),
    extra: anyToWire(extra ?? nothing),
  };
}

export function statusFromWire(id: string, wire: ControllerStatusResponse): SandboxStatus {
  const [createdAt, exitedAt, extra] = [moment(wire.createdAt), moment(wire.exitedAt), filledAny(wire.extra)];
  const { pid, state, info } = wire;
  return {
    ...{ id, pid, state, info, ...endpointFromWire(wire) },
    ...(createdAt !== undefined && { createdAt }),
    ...(exitedAt !== undefined && { exitedAt }),
    ...(extra !== undefined && { extra }),
  };
}

/** A time that was told: containerd turns one that nobody gave into the start of the epoch. */
export function moment(wire: WireTimestamp | undefined): Timestamp | undefined {
  const at = someTimestampFromWire(wire);
  return at === undefined || (at.seconds === 0 && at.nanos === 0) ? undefined : at;
}

export const sandboxMetricToWire = ({ id, timestamp, data }: SandboxMetric): WireMetric =>
  create(MetricSchema, {
    id,
    timestamp: timestampToWire(timestamp),
    ...(data !== undefined && { data: anyToWire(data) }),
  });

export function sandboxMetricFromWire(wire: WireMetric | undefined): SandboxMetric | undefined {
  if (wire === undefined) return undefined;
  const data = filledAny(wire.data);
  return { id: wire.id, timestamp: timestampFromWire(wire.timestamp), ...(data !== undefined && { data }) };
}
