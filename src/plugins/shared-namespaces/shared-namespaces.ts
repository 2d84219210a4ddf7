import { Events } from '#core/events/events';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Runtime } from '#core/runtime/runtime';
import { TaskAttendant } from '#core/runtime/task-attendant';
import { SharedNamespaces } from './attendant.ts';
import { SharedMemory } from './shared-memory.ts';

/** Gives tasks the processes, shared memory and host name of other containers, where their settings say so. */
export default definePlugin({
  slot: TaskAttendant,
  id: 'shared-namespaces',
  needs: { metadata: one(Metadata), runtime: one(Runtime, 'task'), events: one(Events) },
  async start({ stateDir, signal, log }, { metadata, runtime, events }) {
    const memory = new SharedMemory(stateDir);
    const hearing = memory.hear(events, metadata.containers, signal, log);
    await memory.forgetOthers(metadata.containers);
    const attendant = new SharedNamespaces({ containers: metadata.containers, runtime, memory });
    return Object.assign(attendant, { [Symbol.asyncDispose]: () => hearing });
  },
});
