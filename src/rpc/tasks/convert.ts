import { create } from '@bufbuild/protobuf';
import type { CreateTaskRequest, DeleteResponse } from '#api/services/tasks/v1/tasks_pb';
import { MetricSchema, type Metric as WireMetric } from '#api/types/metrics_pb';
import { ProcessSchema, Status, type Process as WireProcess } from '#api/types/task/task_pb';
import { internal } from '#base/errors';
import type { Process, ProcessExit, Stdio, TaskStatus } from '#core/runtime/runtime';
import type { Metric, NewTask } from '#core/runtime/tasks';
import {
  anyFromWire,
  anyToWire,
  descriptorFromWire,
  mountFromWire,
  someAnyFromWire,
  someTimestampFromWire,
  timestampFromWire,
  timestampToWire,
} from '../values.ts';

const statuses = {
  unknown: Status.UNKNOWN,
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  pausing: Status.PAUSING,
} as const satisfies Record<TaskStatus, Status>;

export const statusToWire = (status: TaskStatus): Status => statuses[status];

/** A status that nobody knows is `unknown`. */
export const statusFromWire = (status: Status): TaskStatus =>
  (Object.keys(statuses) as TaskStatus[]).find((each) => statuses[each] === status) ?? 'unknown';

/** On the wire a process has one id: the exec id, or for a container's first process the container's. */
export function processToWire(process: Process): WireProcess {
  return create(ProcessSchema, {
    id: process.execId === '' ? process.id : process.execId,
    pid: process.pid,
    status: statusToWire(process.status),
    ...stdioOf(process),
    exitStatus: process.exitStatus,
    ...(process.exitedAt !== undefined && { exitedAt: timestampToWire(process.exitedAt) }),
  });
}

/** `asked` says whose process it is, where that is known. @throws internal when it is absent */
export function processFromWire(
  wire: WireProcess | undefined,
  asked?: { readonly id: string; readonly execId: string },
): Process {
  if (wire === undefined) throw internal('an answer without a process');
  const exitedAt = someTimestampFromWire(wire.exitedAt);
  return {
    id: asked?.id ?? wire.id,
    execId: asked?.execId ?? '',
    pid: wire.pid,
    status: statusFromWire(wire.status),
    ...stdioOf(wire),
    exitStatus: wire.exitStatus,
    ...(exitedAt !== undefined && { exitedAt }),
  };
}

export function exitToWire({ id, pid, exitStatus, exitedAt }: ProcessExit) {
  return { id, pid, exitStatus, ...(exitedAt !== undefined && { exitedAt: timestampToWire(exitedAt) }) };
}

export function exitFromWire(
  id: string,
  wire: Pick<DeleteResponse, 'exitStatus' | 'exitedAt'> & { readonly pid?: number },
): ProcessExit {
  const exitedAt = someTimestampFromWire(wire.exitedAt);
  return { id, pid: wire.pid ?? 0, exitStatus: wire.exitStatus, ...(exitedAt !== undefined && { exitedAt }) };
}

/** @throws invalid_argument for a checkpoint whose digest is none */
export function newTaskFromWire(request: CreateTaskRequest): NewTask {
  const { rootfs, checkpoint, options, runtimePath, taskApiAddress, taskApiVersion, ...rest } = request;
  return {
    ...stdioOf(rest),
    rootfs: rootfs.map(mountFromWire),
    ...(options !== undefined && { options: anyFromWire(options) }),
    ...(runtimePath !== '' && { runtimePath }),
    ...(taskApiAddress !== '' && { endpoint: { address: taskApiAddress, version: taskApiVersion } }),
    ...(checkpoint !== undefined && { checkpoint: descriptorFromWire(checkpoint, 'checkpoint') }),
  };
}

export function metricToWire({ id, timestamp, data }: Metric): WireMetric {
  return create(MetricSchema, { id, timestamp: timestampToWire(timestamp), data: anyToWire(data) });
}

export function metricFromWire({ id, timestamp, data }: WireMetric): Metric {
  return { id, timestamp: timestampFromWire(timestamp), data: someAnyFromWire(data) };
}

export const stdioOf = ({ stdin, stdout, stderr, terminal }: Stdio): Stdio => ({ stdin, stdout, stderr, terminal });
