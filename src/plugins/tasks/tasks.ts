import { table, text } from '#base/config';
import { invalidArgument } from '#base/errors';
import { OrderedDiffer } from '#core/diff/diff';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { every, one } from '#core/plugin/slot';
import { Runtime } from '#core/runtime/runtime';
import { TaskAttendant } from '#core/runtime/task-attendant';
import { Tasks } from '#core/runtime/tasks';
import { SandboxController } from '#core/sandboxes/controller';
import { Checkpoints } from './checkpoints.ts';
import { ContainerTasks } from './container-tasks.ts';
import { SandboxEndpoints } from './sandbox-endpoints.ts';

/** Joins containers' records with the runtime that keeps them running. */
export default definePlugin({
  slot: Tasks,
  id: 'tasks-service',
  config: table({
    blockio_config_file: text({ help: 'Must be empty: there is no support for classes of block I/O.' }),
    rdt_config_file: text({ help: 'Must be empty: there is no support for resource director technology.' }),
  }),
  needs: {
    metadata: one(Metadata),
    runtime: one(Runtime, 'task'),
    differ: one(OrderedDiffer, 'diff-service'),
    controllers: every(SandboxController),
    attendants: every(TaskAttendant),
  },
  start({ config, daemon, log }, { metadata, runtime, differ, controllers, attendants }) {
    for (const key of ['blockio_config_file', 'rdt_config_file'] as const)
      if (config[key] !== '') throw invalidArgument(`${key}: wanted ""`);
    return new ContainerTasks({
      containers: metadata.containers,
      runtime,
      checkpoints: new Checkpoints(metadata.content, differ),
      endpoints: new SandboxEndpoints(metadata.sandboxes, controllers),
      attendants: [...attendants.values()],
      statsTimeoutMs: daemon.timeout('io.containerd.timeout.metrics.shimstats', 2_000),
      log,
    });
  },
});
