import { abortable } from '#base/cancellation';
import type { Log } from '#base/log';
import type { CollectionStats, Collector } from './collector.ts';

/** Even the quickest collection counts as this long when the time until the next is reckoned. */
const leastMs = 5;
/** What a timer can be set to; a later expiry is waited for in several. */
const longestTimerMs = 2 ** 31 - 1;

export interface SchedulerOptions {
  /** Share of the time that collections may take. */
  readonly pauseThreshold: number;
  /** So many deletions, and a collection is due at once; 0 for never. */
  readonly deletionThreshold: number;
  /** The same for changes of any kind. */
  readonly mutationThreshold: number;
  readonly scheduleDelayMs: number;
  readonly startupDelayMs: number;
  readonly log: Log;
  run(signal: AbortSignal): Promise<CollectionStats>;
  /** Told of every run, also of one that failed. */
  ran?(stats: CollectionStats | undefined): void;
}

/**
 * Decides when to collect, by containerd's rules: soon after the start; at once when asked or when a threshold is reached; otherwise, if
 * anything was deleted or enough was changed, after a pause that keeps collections within their share of the time. With nothing to do it sleeps, until
 * something expires.
 */
export class Scheduler implements Collector, AsyncDisposable {
  readonly #options: SchedulerOptions;
  readonly #stop = new AbortController();
  #waiters: PromiseWithResolvers<CollectionStats> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #deletions = 0;
  #mutations = 0;
  #never = true;
  #expiryMs = Number.POSITIVE_INFINITY;
  #lastEnd = 0;
  #intervalMs = 0;
  #totalMs = 0;
  #runs = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#schedule(options.startupDelayMs);
  }

  async collect(signal: AbortSignal): Promise<CollectionStats> {
    this.#waiters ??= Promise.withResolvers();
    const result = this.#waiters.promise;
    // Somebody may have given up waiting; then nobody hears of a failure here, but the log does.
    result.catch(() => {});
    this.#schedule(this.#options.scheduleDelayMs);
    return await abortable(result, signal);
  }

  /** Something was made that expires then: a collection is due, although nothing else may change until that time. */
  expires(atMs: number): void {
    this.#expiryMs = Math.min(this.#expiryMs, atMs);
    this.#schedule(this.#untilExpiry());
  }

  /** Something was changed. */
  changed(deletion: boolean): void {
    this.#mutations++;
    if (deletion) this.#deletions++;
    const { deletionThreshold, mutationThreshold, scheduleDelayMs } = this.#options;
    const enough =
      (deletionThreshold > 0 && this.#deletions >= deletionThreshold) ||
      (mutationThreshold > 0 && this.#mutations >= mutationThreshold);
    if (enough) this.#schedule(scheduleDelayMs);
    else if (this.#deletions > 0) this.#schedule(this.#untilNext());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
    this.#waiters?.reject(new Error('the collector has stopped'));
  }

  /** From when it has expired for certain, and never within the pause that collections keep. */
  #untilExpiry(): number {
    return Math.min(longestTimerMs, Math.max(this.#untilNext(), this.#expiryMs + 1 - Date.now()));
  }

  #untilNext(): number {
    return Math.max(0, this.#lastEnd + this.#intervalMs - performance.now());
  }

  /** Sets the time of the next run, unless an earlier one is set already. One that is under way sets it when it ends. */
  #schedule(inMs: number): void {
    const at = performance.now() + inMs;
    if (this.#stop.signal.aborted || this.#running !== undefined || at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      this.#timer = undefined;
      this.#running = this.#run().finally(() => {
        this.#running = undefined;
        this.#next();
      });
    }, inMs);
    this.#timer.unref();
  }

  /** After a run: what came meanwhile. */
  #next(): void {
    const { mutationThreshold, scheduleDelayMs } = this.#options;
    if (this.#waiters !== undefined) this.#schedule(scheduleDelayMs);
    else if (this.#deletions > 0 || (mutationThreshold > 0 && this.#mutations >= mutationThreshold)) {
      this.#schedule(this.#untilNext());
    }
    if (this.#expiryMs < Number.POSITIVE_INFINITY) this.#schedule(this.#untilExpiry());
  }

  async #run(): Promise<void> {
    const { log, run, ran } = this.#options;
    const waiters = this.#waiters;
    const [deletions, mutations] = [this.#deletions, this.#mutations];
    this.#waiters = undefined;
    this.#deletions = 0;
    this.#mutations = 0;
    this.#expiryMs = Number.POSITIVE_INFINITY;
    try {
      const stats = await run(this.#stop.signal);
      this.#expiryMs = Math.min(this.#expiryMs, stats.nextExpiryMs ?? Number.POSITIVE_INFINITY);
      this.#never = false;
      this.#runs++;
      this.#totalMs += stats.busyMs ?? stats.elapsedMs;
      ran?.(stats);
      log.debug('garbage collected', () => ({ ...stats, removed: { ...stats.removed } }));
      waiters?.resolve(stats);
    } catch (thrown) {
      // The next tick tries again.
      this.#deletions += this.#never ? 1 : deletions;
      this.#mutations += mutations;
      ran?.(undefined);
      if (!this.#stop.signal.aborted) log.error('garbage collection failed', { error: thrown });
      waiters?.reject(thrown);
    }
    const averageMs = Math.max(leastMs, this.#totalMs / Math.max(1, this.#runs));
    const { pauseThreshold } = this.#options;
    this.#intervalMs = pauseThreshold > 0 ? averageMs / pauseThreshold - averageMs : 0;
    this.#lastEnd = performance.now();
  }
}
