import { classOf, type ErrorClass, isFault, messageOf } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { Log } from '#base/log';
import { formatTimestamp, fromMillis, now, toMillis } from '#base/timestamp';
import type { Metadata } from '#core/metadata';
import { type Scope, scopeOf } from '#core/scope';
import { RegistryError } from '#lib/registry/registry-error';
import { isPassing } from '#lib/registry/retry';

const lifetimeMs = 24 * 60 * 60 * 1000;
/** Marks the leases of transfers; its value tells for which image, shortened to what a label may hold. */
const mark = 'berth.dev/transfer';
const maxValue = 1000;

/** After these the same attempt may succeed: what it has fetched is worth keeping. After others it would be fetched for nothing. */
const passing: ReadonlySet<ErrorClass> = new Set([
  'canceled',
  'deadline_exceeded',
  'unavailable',
  'aborted',
  'unknown',
]);

/** Whether the same attempt may succeed later. */
function mayPass(error: unknown): boolean {
  if (passing.has(classOf(error))) return true;
  if (error instanceof RegistryError) return isPassing(error.status); // 429: the registry wants fewer requests
  return error instanceof Error && error.cause instanceof RegistryError && mayPass(error.cause);
}

/** Gives every transfer a lease that keeps what it makes until the image that needs it is named. */
export class LeaseKeeper {
  readonly #metadata: Pick<Metadata, 'leases' | 'content'>;
  readonly #alone: boolean;
  readonly #log: Log;
  readonly #live = new Set<string>();

  /**
   * `alone`: every transfer's lease is given by this keeper, so that a lease it does not know of is one that was left behind. A client
   * is never alone: it removes its own leases only, and what a killed one leaves goes when a day has passed.
   */
  constructor(
    metadata: Pick<Metadata, 'leases' | 'content'>,
    { alone, log }: { readonly alone: boolean; readonly log: Log },
  ) {
    this.#metadata = metadata;
    this.#alone = alone;
    this.#log = log;
  }

  /**
   * Runs a transfer under a lease; under the caller's own where there is one. When it succeeds, its lease goes and so do those that
   * failed or killed transfers of the same image left behind. When it fails for a reason that may pass, its lease stays for a day, so
   * that the next attempt finds what this one has fetched; otherwise its lease goes, with the ingests under it.
   */
  async run<T>(scope: Scope, image: string, work: (scope: Scope) => Promise<T>): Promise<T> {
    if (scope.lease !== undefined) return work(scope);
    const { leases } = this.#metadata;
    const value = image.slice(0, maxValue);
    const expire = formatTimestamp(fromMillis(toMillis(now()) + lifetimeMs));
    const labels = { 'containerd.io/gc.expire': expire, ...(this.#alone && { [mark]: value }) };
    const { id } = await leases.create(scope, { id: '', labels });
    const key = `${scope.namespace} ${id}`;
    this.#live.add(key);
    try {
      await failpoint?.('transfer.lease.made');
      const result = await work({ ...scope, lease: id });
      await failpoint?.('transfer.named');
      this.#live.delete(key);
      if (this.#alone) await this.#clean(scope.namespace, value);
      else await this.#release(scope.namespace, id);
      return result;
    } catch (error) {
      if (!mayPass(error)) await this.#discard(scope.namespace, id);
      throw error;
    } finally {
      this.#live.delete(key);
    }
  }

  async #release(namespace: string, id: string): Promise<void> {
    try {
      await this.#metadata.leases.delete(scopeOf(namespace), id);
    } catch (error) {
      this.#log.warn('lease of a transfer stays until it expires', { error: messageOf(error) });
    }
  }

  async #discard(namespace: string, id: string): Promise<void> {
    const { leases, content } = this.#metadata;
    const scope = scopeOf(namespace);
    try {
      for (const resource of await leases.listResources(scope, id)) {
        if (resource.type !== 'ingests') continue;
        await content.abort(scope, resource.id).catch((error: unknown) => {
          // Another transfer has taken it up.
          if (!isFault(error, 'not_found') && !isFault(error, 'unavailable')) throw error;
        });
      }
      await leases.delete(scope, id);
    } catch (error) {
      this.#log.warn('lease of a failed transfer stays until it expires', { error: messageOf(error) });
    }
  }

  async #clean(namespace: string, value: string): Promise<void> {
    const { leases } = this.#metadata;
    const scope = scopeOf(namespace); // the image is named: a cancellation comes too late
    try {
      for (const { id, labels } of await leases.list(scope)) {
        if (labels[mark] !== value || this.#live.has(`${namespace} ${id}`)) continue;
        await failpoint?.('transfer.lease.deleting');
        await leases.delete(scope, id).catch((error: unknown) => {
          if (!isFault(error, 'not_found')) throw error;
        });
      }
    } catch (error) {
      this.#log.warn('lease of a transfer stays until it expires', { error: messageOf(error) });
    }
  }
}
