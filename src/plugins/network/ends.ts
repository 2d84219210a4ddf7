import { fromBinary } from '@bufbuild/protobuf';
import { ContainerUpdateSchema } from '#api/events/container_pb';
import { TaskDeleteSchema, TaskExitSchema } from '#api/events/task_pb';
import { sleep } from '#base/cancellation';
import type { Log } from '#base/log';
import type { Envelope, Events } from '#core/events/events';
import { scopeOf } from '#core/scope';
import type { ContainerNetworks } from './networks.ts';

const topics = { exit: '/tasks/exit', delete: '/tasks/delete', update: '/containers/update' } as const;

export interface EndsParts {
  readonly events: Events;
  readonly networks: ContainerNetworks;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Tells networks of their containers' ends and changes, until the signal fires. Who was cut off listens again. */
export async function hearEnds(parts: EndsParts): Promise<void> {
  const { events, signal, log } = parts;
  const filters = Object.values(topics).map((topic) => `topic=="${topic}"`);
  while (!signal.aborted) {
    try {
      for await (const envelope of events.subscribe(signal, filters)) hear(parts, envelope);
    } catch (error) {
      if (signal.aborted) return;
      log.error('ends of containers were missed', { error });
      await sleep(1_000, signal).catch(() => {}); // told to stop
    }
  }
}

function hear({ networks, signal, log }: EndsParts, { namespace, topic, event }: Envelope): void {
  try {
    if (topic === topics.update) {
      const { id } = fromBinary(ContainerUpdateSchema, event.value);
      networks.changed(scopeOf(namespace, { signal }), id).catch((error: unknown) => {
        log.warn('a change of a container did not reach its network', { id, namespace, error });
      });
    } else if (topic === topics.exit) {
      const { containerId, id, pid } = fromBinary(TaskExitSchema, event.value);
      if (id === containerId) networks.find({ namespace, id })?.processEnded(pid);
    } else {
      const { containerId, pid, id } = fromBinary(TaskDeleteSchema, event.value);
      if (id === '' || id === containerId) networks.find({ namespace, id: containerId })?.processEnded(pid);
    }
  } catch (error) {
    log.warn('an event that cannot be read', { topic, namespace, error }); // anybody may publish
  }
}
