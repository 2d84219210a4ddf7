import { Tasks as TasksService } from '#api/services/tasks/v1/tasks_pb';
import type { Tasks } from '#core/runtime/tasks';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { anyFromWire, anyToWire, descriptorFromWire, descriptorToWire, mountToWire } from '../values.ts';
import { exitFromWire, metricFromWire, processFromWire, stdioOf } from './convert.ts';

/** A daemon's tasks. */
export function remoteTasks(transport: Transport): Tasks {
  const client = clientOf(TasksService, transport);
  return {
    create: async (scope, containerId, { rootfs, options, runtimePath = '', endpoint, checkpoint, ...stdio }) => {
      const request = {
        containerId,
        rootfs: rootfs.map(mountToWire),
        ...stdioOf(stdio),
        runtimePath,
        ...(endpoint !== undefined && { taskApiAddress: endpoint.address, taskApiVersion: endpoint.version }),
        ...(options !== undefined && { options: anyToWire(options) }),
        ...(checkpoint !== undefined && { checkpoint: descriptorToWire(checkpoint) }),
      };
      return { pid: (await client.create(request, withScope(scope))).pid };
    },
    start: async (scope, containerId, execId) => ({
      pid: (await client.start({ containerId, execId }, withScope(scope))).pid,
    }),
    delete: async (scope, containerId) =>
      exitFromWire(containerId, await client.delete({ containerId }, withScope(scope))),
    deleteProcess: async (scope, containerId, execId) =>
      exitFromWire(execId, await client.deleteProcess({ containerId, execId }, withScope(scope))),
    state: async (scope, id, execId) =>
      processFromWire((await client.get({ containerId: id, execId }, withScope(scope))).process, { id, execId }),
    list: async (scope) => (await client.list({}, withScope(scope))).tasks.map((task) => processFromWire(task)),
    kill: async (scope, containerId, { execId, signal, all }) => {
      await client.kill({ containerId, execId, signal, all }, withScope(scope));
    },
    exec: async (scope, containerId, { execId, spec, ...stdio }) => {
      await client.exec({ containerId, execId, spec: anyToWire(spec), ...stdioOf(stdio) }, withScope(scope));
    },
    resizePty: async (scope, containerId, execId, { width, height }) => {
      await client.resizePty({ containerId, execId, width, height }, withScope(scope));
    },
    closeIo: async (scope, containerId, execId, stdin) => {
      await client.closeIO({ containerId, execId, stdin }, withScope(scope));
    },
    pause: async (scope, containerId) => {
      await client.pause({ containerId }, withScope(scope));
    },
    resume: async (scope, containerId) => {
      await client.resume({ containerId }, withScope(scope));
    },
    pids: async (scope, containerId) =>
      (await client.listPids({ containerId }, withScope(scope))).processes.map(({ pid, info }) => ({
        pid,
        ...(info !== undefined && { info: anyFromWire(info) }),
      })),
    update: async (scope, containerId, resources, annotations) => {
      const request = { containerId, resources: anyToWire(resources), annotations: { ...annotations } };
      await client.update(request, withScope(scope));
    },
    wait: async (scope, containerId, execId) => {
      const id = execId === '' ? containerId : execId;
      return exitFromWire(id, await client.wait({ containerId, execId }, withScope(scope)));
    },
    checkpoint: async (scope, containerId, options) => {
      const request = { containerId, ...(options !== undefined && { options: anyToWire(options) }) };
      const { descriptors } = await client.checkpoint(request, withScope(scope));
      return descriptors.map((descriptor) => descriptorFromWire(descriptor, 'checkpoint'));
    },
    metrics: async (scope, filters = []) =>
      (await client.metrics({ filters: [...filters] }, withScope(scope))).metrics.map(metricFromWire),
  };
}
