import { SandboxCreateSchema, SandboxExitSchema, SandboxStartSchema } from '#api/events/sandbox_pb';
import { now } from '#base/timestamp';
import type { Events } from '#core/events/events';
import type { SandboxController, SandboxExit } from '#core/sandboxes/controller';
import { pack } from '../any.ts';
import { timestampToWire } from '../values.ts';

/** The notices of sandboxes: topics, type URLs and bytes are the interface. */
export class SandboxEvents {
  readonly #events: Pick<Events, 'publish'>;

  constructor(events: Pick<Events, 'publish'>) {
    this.#events = events;
  }

  created(namespace: string, sandboxId: string): Promise<void> {
    return this.#events.publish(namespace, '/sandboxes/create', pack(SandboxCreateSchema, { sandboxId }));
  }

  started(namespace: string, sandboxId: string): Promise<void> {
    return this.#events.publish(namespace, '/sandboxes/start', pack(SandboxStartSchema, { sandboxId }));
  }

  exited(namespace: string, sandboxId: string, { exitStatus, exitedAt }: SandboxExit): Promise<void> {
    const event = { sandboxId, exitStatus, ...(exitedAt !== undefined && { exitedAt: timestampToWire(exitedAt) }) };
    return this.#events.publish(namespace, '/sandboxes/exit', pack(SandboxExitSchema, event));
  }
}

/**
 * A controller in a process of its own tells nobody: this one tells in its place; of a sandbox's end when somebody waited for it or it was shut
 * down, and only of those that were made or started through it.
 */
export function announced(controller: SandboxController, events: SandboxEvents): SandboxController {
  const alive = new Set<string>();
  const tellEnd = async (namespace: string, id: string, exit: SandboxExit) => {
    if (alive.delete(`${namespace}/${id}`)) await events.exited(namespace, id, exit);
  };
  return {
    ...controller,
    create: async (scope, sandbox, options) => {
      await controller.create(scope, sandbox, options);
      alive.add(`${scope.namespace}/${sandbox.id}`);
      await events.created(scope.namespace, sandbox.id);
    },
    start: async (scope, id) => {
      const instance = await controller.start(scope, id);
      alive.add(`${scope.namespace}/${id}`);
      await events.started(scope.namespace, id);
      return instance;
    },
    wait: async (scope, id) => {
      const exit = await controller.wait(scope, id);
      await tellEnd(scope.namespace, id, exit);
      return exit;
    },
    shutdown: async (scope, id) => {
      const { exitedAt = now() } = await controller.status(scope, id, 'brief');
      await controller.shutdown(scope, id);
      await tellEnd(scope.namespace, id, { exitStatus: 0, exitedAt });
    },
  };
}
