import { fromBinary } from '@bufbuild/protobuf';
import { TaskExitSchema, TaskOOMSchema, TaskStartSchema } from '#api/events/task_pb';
import type { Envelope } from '#core/events/events';

/** What happened to a container's first process. */
export type TaskEvent = { readonly namespace: string; readonly id: string } & (
  | { readonly kind: 'started'; readonly pid: number; readonly at: Envelope['timestamp'] }
  | { readonly kind: 'ended'; readonly pid: number; readonly exitCode: number; readonly at: Envelope['timestamp'] }
  | { readonly kind: 'oom' }
);

export const taskTopics = ['/tasks/start', '/tasks/exit', '/tasks/oom'] as const;

/** Undefined for what is none of these: ends of further processes, and what others publish under the same topics. */
export function taskEventIn({ namespace, timestamp, event }: Envelope): TaskEvent | undefined {
  const type = event.typeUrl.split('/').at(-1);
  try {
    if (type === TaskStartSchema.typeName) {
      const { containerId: id, pid } = fromBinary(TaskStartSchema, event.value);
      return { namespace, id, kind: 'started', pid, at: timestamp };
    }
    if (type === TaskOOMSchema.typeName)
      return { namespace, id: fromBinary(TaskOOMSchema, event.value).containerId, kind: 'oom' };
    if (type !== TaskExitSchema.typeName) return undefined;
    const { containerId, id, pid, exitStatus, exitedAt } = fromBinary(TaskExitSchema, event.value);
    if (id !== containerId) return undefined;
    const at = exitedAt === undefined ? timestamp : { seconds: Number(exitedAt.seconds), nanos: exitedAt.nanos };
    return { namespace, id, kind: 'ended', pid, exitCode: exitStatus, at };
  } catch {
    return undefined; // not of a shim's making
  }
}
