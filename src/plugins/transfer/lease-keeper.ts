import { isFault, messageOf } from '#base/errors';
import type { Log } from '#base/log';
import { formatTimestamp, fromMillis, now, toMillis } from '#base/timestamp';
import type { Metadata } from '#core/metadata';
import { type Scope, scopeOf } from '#core/scope';

const lifetimeMs = 24 * 60 * 60 * 1000;
/** Marks the leases of transfers; its value tells for which image, shortened to what a label may hold. */
const mark = 'berth.dev/transfer';
const maxValue = 1000;

/** Gives every transfer a lease that keeps what it makes until the image that needs it is named. */
export class LeaseKeeper {
  readonly #metadata: Pick<Metadata, 'leases'>;
  readonly #log: Log;
  readonly #live = new Set<string>();

  constructor(metadata: Pick<Metadata, 'leases'>, log: Log) {
    this.#metadata = metadata;
    this.#log = log;
  }

  /**
   * Runs a transfer under a lease; under the caller's own where there is one. When it succeeds, its lease goes and so do those that
   * failed or killed transfers of the same image left behind. When it fails its lease stays for a day, so that the next attempt
   * finds what this one has fetched.
   */
  async run<T>(scope: Scope, image: string, work: (scope: Scope) => Promise<T>): Promise<T> {
    if (scope.lease !== undefined) return work(scope);
    const { leases } = this.#metadata;
    const value = image.slice(0, maxValue);
    const expire = formatTimestamp(fromMillis(toMillis(now()) + lifetimeMs));
    const labels = { 'containerd.io/gc.expire': expire, [mark]: value };
    const { id } = await leases.create(scope, { id: '', labels });
    const key = `${scope.namespace} ${id}`;
    this.#live.add(key);
    try {
      const result = await work({ ...scope, lease: id });
      this.#live.delete(key);
      await this.#clean(scope.namespace, value);
      return result;
    } finally {
      this.#live.delete(key);
    }
  }

  async #clean(namespace: string, value: string): Promise<void> {
    const { leases } = this.#metadata;
    const scope = scopeOf(namespace); // the image is named: a cancellation comes too late
    try {
      for (const { id, labels } of await leases.list(scope)) {
        if (labels[mark] !== value || this.#live.has(`${namespace} ${id}`)) continue;
        await leases.delete(scope, id).catch((error: unknown) => {
          if (!isFault(error, 'not_found')) throw error;
        });
      }
    } catch (error) {
      this.#log.warn('lease of a transfer stays until it expires', { error: messageOf(error) });
    }
  }
}
