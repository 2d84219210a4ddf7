import { fromBinary } from '@bufbuild/protobuf';
import { ContainerCreateSchema, ContainerDeleteSchema, ContainerUpdateSchema } from '#api/events/container_pb';
import { ImageCreateSchema, ImageDeleteSchema, ImageUpdateSchema } from '#api/events/image_pb';
import {
  TaskCheckpointedSchema,
  TaskExecAddedSchema,
  TaskExecStartedSchema,
  TaskExitSchema,
  TaskOOMSchema,
  TaskPausedSchema,
  TaskResumedSchema,
  TaskStartSchema,
} from '#api/events/task_pb';
import { unpackHealthEvent } from '#core/engine/health-event';
import type { Envelope } from '#core/events/events';

/** What happened, in docker's words, before anything is known of whom it happened to. */
export interface Happening {
  readonly type: 'container' | 'image';
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

type Read = (value: Uint8Array) => Happening | undefined;

const container = (action: string, id: string, attributes: Readonly<Record<string, string>> = {}): Happening => ({
  type: 'container',
  action,
  id,
  attributes,
});
const image = (action: string, name: string): Happening => ({ type: 'image', action, id: name, attributes: { name } });

const readers: Readonly<Record<string, Read>> = {
  '/containers/create': (value) => container('create', fromBinary(ContainerCreateSchema, value).id),
  '/containers/update': (value) => container('update', fromBinary(ContainerUpdateSchema, value).id),
  '/containers/delete': (value) => container('destroy', fromBinary(ContainerDeleteSchema, value).id),
  '/tasks/start': (value) => container('start', fromBinary(TaskStartSchema, value).containerId),
  '/tasks/oom': (value) => container('oom', fromBinary(TaskOOMSchema, value).containerId),
  '/tasks/paused': (value) => container('pause', fromBinary(TaskPausedSchema, value).containerId),
  '/tasks/resumed': (value) => container('unpause', fromBinary(TaskResumedSchema, value).containerId),
  '/tasks/checkpointed': (value) => container('checkpoint', fromBinary(TaskCheckpointedSchema, value).containerId),
  '/tasks/exec-added': (value) => {
    const { containerId, execId } = fromBinary(TaskExecAddedSchema, value);
    return container('exec_create', containerId, { execID: execId });
  },
  '/tasks/exec-started': (value) => {
    const { containerId, execId } = fromBinary(TaskExecStartedSchema, value);
    return container('exec_start', containerId, { execID: execId });
  },
  '/tasks/exit': (value) => {
    const { containerId, id, exitStatus } = fromBinary(TaskExitSchema, value);
    const exitCode = String(exitStatus);
    return id === containerId
      ? container('die', containerId, { exitCode })
      : container('exec_die', containerId, { execID: id, exitCode });
  },
  '/images/create': (value) => image('create', fromBinary(ImageCreateSchema, value).name),
  '/images/update': (value) => image('tag', fromBinary(ImageUpdateSchema, value).name),
  '/images/delete': (value) => image('delete', fromBinary(ImageDeleteSchema, value).name),
};

/** Undefined for what docker has no word for, and for what anybody may publish under any topic. */
export function happeningIn({ topic, event }: Envelope): Happening | undefined {
  const health = unpackHealthEvent(event);
  if (health !== undefined) return container(`health_status: ${health.status}`, health.id);
  const read = Object.hasOwn(readers, topic) ? readers[topic] : undefined;
  try {
    return read?.(event.value);
  } catch {
    return undefined;
  }
}
