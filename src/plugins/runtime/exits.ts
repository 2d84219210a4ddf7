import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { TaskDeleteSchema, type TaskExit, TaskExitSchema } from '#api/events/task_pb';
import type { Log } from '#base/log';
import { now } from '#base/timestamp';
import type { Events } from '#core/events/events';
import type { ProcessExit } from '#core/runtime/runtime';
import { isIdentifier } from '#lib/identifier';
import { toWireTimestamp } from './wire.ts';

const exitTopic = '/tasks/exit';
const deleteTopic = '/tasks/delete';

/**
 * Sees to it that subscribers hear of each container's end exactly once. Shims tell it themselves; when one dies without having
 * done so, the daemon tells it in its place.
 */
export class Exits {
  readonly #events: Events;
  readonly #onExit: (namespace: string, exit: TaskExit) => void;

  constructor(events: Events, onExit: (namespace: string, exit: TaskExit) => void) {
    this.#events = events;
    this.#onExit = onExit;
  }

  /** Follows the exits of containers' first processes until the signal fires. */
  async watch(signal: AbortSignal, log: Log): Promise<void> {
    for await (const { namespace, event } of this.#events.subscribe(signal, [`topic=="${exitTopic}"`])) {
      try {
        const exit = fromBinary(TaskExitSchema, event.value);
        if (exit.id === exit.containerId && isIdentifier(exit.id)) this.#onExit(namespace, exit);
      } catch (error) {
        log.warn('a shim sent an exit event that cannot be read', { namespace, error });
      }
    }
  }

  /** Tells of a container whose shim is dead; the exit only if its shim did not. */
  async tell(namespace: string, exit: ProcessExit, exitToldAlready: boolean): Promise<void> {
    const fields = {
      containerId: exit.id,
      id: exit.id,
      pid: exit.pid,
      exitStatus: exit.exitStatus,
      exitedAt: toWireTimestamp(exit.exitedAt ?? now()),
    };
    if (!exitToldAlready) {
      const value = toBinary(TaskExitSchema, create(TaskExitSchema, fields));
      await this.#events.publish(namespace, exitTopic, { typeUrl: TaskExitSchema.typeName, value });
    }
    const value = toBinary(TaskDeleteSchema, create(TaskDeleteSchema, { ...fields, id: '' }));
    await this.#events.publish(namespace, deleteTopic, { typeUrl: TaskDeleteSchema.typeName, value });
  }
}
