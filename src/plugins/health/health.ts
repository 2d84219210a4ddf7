import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '#base/cancellation';
import { notImplemented } from '#base/errors';
import { toMillis } from '#base/timestamp';
import { healthPlugin, unpackProbeRequest } from '#core/engine/health-event';
import { Events } from '#core/events/events';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one, slot } from '#core/plugin/slot';
import { Tasks } from '#core/runtime/tasks';
import { taskEventIn } from '#rpc/events/task-events';
import { Probes } from './probes.ts';

const pauseMs = 1_000;

/** Probes containers as their settings ask for, and notes what comes of it. */
export default definePlugin({
  slot: slot<AsyncDisposable>(healthPlugin.type),
  id: healthPlugin.id,
  needs: { metadata: one(Metadata), tasks: one(Tasks, 'tasks-service'), events: one(Events) },
  async start({ stateDir, signal, log, daemon, answerQuestions }, { metadata, tasks, events }) {
    const directory = join(stateDir, 'probes');
    await rm(directory, { recursive: true, force: true }); // a daemon before left its fifos
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const probes = new Probes({ metadata, tasks, events, log, signal, directory });
    daemon.metrics.source('berth_health_checks', 'gauge', 'Containers whose health is followed.', () => [
      { value: probes.size },
    ]);
    answerQuestions(async (question) => {
      const which = unpackProbeRequest(question);
      if (which === undefined) throw notImplemented(question.typeUrl);
      const result = await probes.probeNow(which.namespace, which.id);
      return { typeUrl: 'berth.engine.v1.ProbeResult', value: Buffer.from(JSON.stringify(result)) };
    });
    const listen = async () => {
      const heard = events.subscribe(signal, ['topic=="/tasks/start"', 'topic=="/tasks/exit"']);
      probes.lookAtAll().catch((error: unknown) => {
        if (!signal.aborted) log.error('containers that are to be probed cannot be found', { error });
      });
      for await (const envelope of heard) {
        const event = taskEventIn(envelope);
        if (event?.kind === 'ended') probes.ended(event.namespace, event.id, event.pid);
        else if (event?.kind === 'started')
          await probes.started(event.namespace, event.id, event.pid, toMillis(event.at)).catch((error: unknown) => {
            if (!signal.aborted) log.error('a container’s health cannot be followed', { id: event.id, error });
          });
      }
    };
    const listening = (async () => {
      while (!signal.aborted) {
        await listen().catch((error: unknown) => {
          if (!signal.aborted) log.error('starts of containers were missed', { error });
        });
        await sleep(pauseMs, signal).catch(() => {}); // told to stop
      }
      await probes.settled();
    })();
    return { [Symbol.asyncDispose]: () => listening };
  },
});
