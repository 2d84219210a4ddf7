import { fromBinary } from '@bufbuild/protobuf';
import { type TaskExit, TaskExitSchema } from '#api/events/task_pb';
import type { Any } from '#base/any';
import { sleep } from '#base/cancellation';
import type { Log } from '#base/log';
import type { Events } from '#core/events/events';

/** A container whose first process has ended. */
export interface Ended {
  readonly namespace: string;
  readonly id: string;
}

/** What has ended, as it ends, until the signal fires. Anybody may publish under any topic: what is no end there is passed over. */
export async function* ends(events: Events, signal: AbortSignal): AsyncGenerator<Ended> {
  for await (const { namespace, event } of events.subscribe(signal, ['topic=="/tasks/exit"'])) {
    const { containerId, id } = exitIn(event) ?? {};
    if (id !== undefined && id === containerId) yield { namespace, id };
  }
}

function exitIn({ typeUrl, value }: Any): TaskExit | undefined {
  if (typeUrl.split('/').at(-1) !== TaskExitSchema.typeName) return undefined;
  try {
    return fromBinary(TaskExitSchema, value);
  } catch {
    return undefined; // not of a shim's making
  }
}

const firstWaitMs = 100;
/** Who ran for so long did not fail to start: the next wait is a short one again. */
const settledMs = 10_000;

/**
 * How long each container waits before it is started again: a tenth of a second, so that a client that waited for the end comes first, and
 * twice as long each time when it hardly ran.
 */
export class Waits {
  readonly #longestMs: number;
  readonly #known = new Map<string, { readonly waitMs: number; readonly endedAtMs: number }>();

  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /** The wait after an end at this time. Forgets who has settled meanwhile. */
  after({ namespace, id }: Ended, nowMs: number): number {
    const key = `${namespace}/${id}`;
    const last = this.#known.get(key);
    // From one end to the next the container waited, and then ran.
    const again = last !== undefined && nowMs - last.endedAtMs < last.waitMs + settledMs;
    const waitMs = again ? Math.min(last.waitMs * 2, this.#longestMs) : Math.min(firstWaitMs, this.#longestMs);
    this.#known.delete(key); // the order of the map is that of the last ends
    this.#known.set(key, { waitMs, endedAtMs: nowMs });
    this.#forget(nowMs);
    return waitMs;
  }

  get size(): number {
    return this.#known.size;
  }

  #forget(nowMs: number): void {
    for (const [key, { waitMs, endedAtMs }] of this.#known) {
      if (nowMs - endedAtMs < waitMs + settledMs) return;
      this.#known.delete(key);
    }
  }
}

/** Calls `restart` for each that ends, after its wait. Settles when the signal has fired and nothing is under way. */
export async function restartEnded(
  events: Events,
  longestMs: number,
  restart: (ended: Ended) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const waits = new Waits(longestMs);
  const going = new Set<Promise<void>>();
  try {
    for await (const ended of ends(events, signal)) {
      const one = sleep(waits.after(ended, performance.now()), signal)
        .then(() => restart(ended))
        .catch((thrown: unknown) => {
          if (!signal.aborted) throw thrown;
        })
        .finally(() => going.delete(one));
      going.add(one);
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
  await Promise.all(going);
}

/** Listens again when it was cut off, as whoever reads too slowly is. What was missed the next look at all finds. */
export async function hearing(
  pauseMs: number,
  signal: AbortSignal,
  log: Log,
  listen: () => Promise<void>,
): Promise<void> {
  for (let cutOff = true; cutOff && !signal.aborted; ) {
    cutOff = false;
    await listen().catch((error: unknown) => {
      cutOff = true;
      log.error('restart monitor has missed ends', { error });
    });
    if (cutOff) await sleep(pauseMs, signal).catch(() => {}); // told to stop
  }
}
