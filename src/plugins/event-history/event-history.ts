import { sleep } from '#base/cancellation';
import { notImplemented } from '#base/errors';
import { historyPlugin, historyQuestion, keptEvents, packHistory, rememberedTopics } from '#core/engine/event-history';
import { type Envelope, Events } from '#core/events/events';
import { definePlugin } from '#core/plugin/plugin';
import { one, slot } from '#core/plugin/slot';

const pauseMs = 1_000;

/** Remembers the last events for who asks for earlier ones than he could hear himself. */
export default definePlugin({
  slot: slot<AsyncDisposable>(historyPlugin.type),
  id: historyPlugin.id,
  needs: { events: one(Events) },
  start({ signal, log, answerQuestions }, { events }) {
    const last: Envelope[] = [];
    answerQuestions(async (question) => {
      if (question.typeUrl !== historyQuestion.typeUrl) throw notImplemented(question.typeUrl);
      return packHistory(last);
    });
    const listening = (async () => {
      while (!signal.aborted) {
        try {
          for await (const envelope of events.subscribe(signal)) {
            if (!rememberedTopics.test(envelope.topic)) continue;
            last.push(envelope);
            if (last.length > keptEvents) last.shift();
          }
        } catch (error) {
          if (!signal.aborted) log.warn('some events are not remembered', { error });
        }
        await sleep(pauseMs, signal).catch(() => {}); // told to stop
      }
    })();
    return { [Symbol.asyncDispose]: () => listening };
  },
});
