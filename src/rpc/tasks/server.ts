import { Tasks as TasksService } from '#api/services/tasks/v1/tasks_pb';
import { invalidArgument } from '#base/errors';
import type { Tasks } from '#core/runtime/tasks';
import { defineService, type Implementation, type Service } from '../service.ts';
import { anyFromWire, anyToWire, descriptorToWire, someAnyFromWire } from '../values.ts';
import { exitToWire, metricToWire, newTaskFromWire, processToWire, stdioOf } from './convert.ts';

/** The tasks service. */
export function serveTasks(tasks: Tasks): Service {
  const empty = async (work: Promise<void>) => {
    await work;
    return {};
  };
  return defineService(TasksService, {
    create: async (request, { scope }) => {
      const containerId = request.containerId;
      return { containerId, ...(await tasks.create(scope, containerId, newTaskFromWire(request))) };
    },
    start: ({ containerId, execId }, { scope }) => tasks.start(scope, containerId, execId),
    delete: async ({ containerId }, { scope }) => exitToWire(await tasks.delete(scope, containerId)),
    deleteProcess: async ({ containerId, execId }, { scope }) =>
      exitToWire(await tasks.deleteProcess(scope, containerId, execId)),
    get: async ({ containerId, execId }, { scope }) => ({
      process: processToWire(await tasks.state(scope, containerId, execId)),
    }),
    list: async (_, { scope }) => ({ tasks: (await tasks.list(scope)).map(processToWire) }),
    kill: ({ containerId, execId, signal, all }, call) =>
      empty(tasks.kill(call.scope, containerId, { execId, signal, all })),
    exec: (request, { scope }) => {
      const { containerId, execId, spec } = request;
      return empty(tasks.exec(scope, containerId, { execId, spec: someAnyFromWire(spec), ...stdioOf(request) }));
    },
    resizePty: ({ containerId, execId, width, height }, { scope }) =>
      empty(tasks.resizePty(scope, containerId, execId, { width, height })),
    closeIO: ({ containerId, execId, stdin }, { scope }) => empty(tasks.closeIo(scope, containerId, execId, stdin)),
    pause: ({ containerId }, { scope }) => empty(tasks.pause(scope, containerId)),
    resume: ({ containerId }, { scope }) => empty(tasks.resume(scope, containerId)),
    update: async ({ containerId, resources, annotations }, { scope }) => {
      if (resources === undefined) {
        await tasks.state(scope, containerId, ''); // one that is not there is the greater mistake
        throw invalidArgument('resources are required');
      }
      return empty(tasks.update(scope, containerId, anyFromWire(resources), annotations));
    },
    wait: async ({ containerId, execId }, { scope }) => {
      const { exitStatus, exitedAt } = exitToWire(await tasks.wait(scope, containerId, execId));
      return { exitStatus, ...(exitedAt !== undefined && { exitedAt }) };
    },
    ...queries(tasks),
  });
}

function queries(tasks: Tasks): Pick<Implementation<typeof TasksService>, 'listPids' | 'checkpoint' | 'metrics'> {
  return {
    listPids: async ({ containerId }, { scope }) => ({
      processes: (await tasks.pids(scope, containerId)).map(({ pid, info }) => ({
        pid,
        ...(info !== undefined && { info: anyToWire(info) }),
      })),
    }),
    checkpoint: async ({ containerId, options }, { scope }) => {
      const descriptors = await tasks.checkpoint(scope, containerId, options && anyFromWire(options));
      return { descriptors: descriptors.map(descriptorToWire) };
    },
    metrics: async ({ filters }, { scope }) => ({ metrics: (await tasks.metrics(scope, filters)).map(metricToWire) }),
  };
}
