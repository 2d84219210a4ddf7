import { sleep } from '#base/cancellation';
import { Events } from '#core/events/events';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one, slot } from '#core/plugin/slot';
import { Tasks } from '#core/runtime/tasks';
import { taskEventIn, taskTopics } from '#rpc/events/task-events';
import { Lives } from './lives.ts';

const pauseMs = 1_000;

/** Notes when containers' processes start and end, and removes those containers that are to go with them. */
export default definePlugin({
  slot: slot<AsyncDisposable>('io.berth.engine.v1'),
  id: 'lifecycle',
  needs: { metadata: one(Metadata), tasks: one(Tasks, 'tasks-service'), events: one(Events) },
  start({ signal, log }, { metadata, tasks, events }) {
    const lives = new Lives({ metadata, tasks, log, signal });
    const filters = taskTopics.map((topic) => `topic==${JSON.stringify(topic)}`);
    const listen = async () => {
      // Subscribed first, so that nothing happens between the look at all and the first event.
      const heard = events.subscribe(signal, filters);
      lives.lookAtAll().catch((error: unknown) => {
        if (!signal.aborted) log.error('what became of containers cannot be found out', { error });
      });
      for await (const envelope of heard) {
        const event = taskEventIn(envelope);
        if (event !== undefined) lives.note(event);
      }
    };
    const listening = (async () => {
      while (!signal.aborted) {
        await listen().catch((error: unknown) => {
          if (!signal.aborted) log.error('ends of containers were missed', { error });
        });
        await sleep(pauseMs, signal).catch(() => {}); // told to stop
      }
      await lives.settled();
    })();
    return { [Symbol.asyncDispose]: () => listening };
  },
});
