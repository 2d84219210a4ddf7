import { classOf, failedPrecondition, messageOf, wrap } from '#base/errors';
import type { Log } from '#base/log';
import type { PluginReport } from '#core/plugin/daemon-info';
import { type AnyPlugin, type PluginContext, pluginName, SkipPlugin } from '#core/plugin/plugin';
import { grant, type Node } from './grant.ts';
import { orderPlugins } from './order.ts';

export interface GraphOptions {
  readonly plugins: readonly AnyPlugin[];
  /** True for one whose failure keeps the daemon from starting. */
  readonly required: (plugin: AnyPlugin) => boolean;
  /** Throws what its configuration is wrong in. */
  readonly contextOf: (plugin: AnyPlugin, shown: ShownByPlugin) => PluginContext<unknown>;
  readonly log: Log;
}

/** Where a starting plugin puts what the list shows of it. */
export type ShownByPlugin = Pick<
  PluginContext<unknown>,
  'setExport' | 'setCapabilities' | 'setPlatforms' | 'answerQuestions'
>;

type Entry = { -readonly [K in keyof Node]: Node[K] } & Shown;
type Shown = { -readonly [K in 'exports' | 'capabilities' | 'platforms' | 'startMs' | 'answer']?: PluginReport[K] };

/** The longest that one plugin may take to stop; the daemon goes on without waiting for it. */
const stopTimeoutMs = 10_000;

/** Starts plugins one after the other, each after what it needs, and stops them in reverse. */
export class PluginGraph implements AsyncDisposable {
  readonly #options: GraphOptions;
  readonly #entries: readonly Entry[];
  readonly #started = new AsyncDisposableStack();

  /** @throws failed_precondition for a loop, invalid_argument for two of one name */
  constructor(options: GraphOptions) {
    this.#options = options;
    this.#entries = orderPlugins(options.plugins).map((plugin) => ({ plugin, status: 'waiting' }));
  }

  /**
   * Starts all. A plugin that is skipped or fails is shown as that and the others go on, unless it is required.
   *
   * @throws the failure of a required plugin; what was started stays so until the graph is disposed
   */
  async start(signal: AbortSignal): Promise<void> {
    for (const entry of this.#entries) {
      if (signal.aborted) return;
      await this.#startOne(entry);
      if (entry.status !== 'ok' && this.#options.required(entry.plugin)) throw refusal(entry);
    }
  }

  reports(): readonly PluginReport[] {
    return this.#entries.map(report);
  }

  /** Stops what was started, the last first. A plugin that fails to stop, or takes too long, is logged and left. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#started.disposeAsync();
  }

  async #startOne(entry: Entry): Promise<void> {
    const { log } = this.#options;
    const { plugin } = entry;
    const fields = { id: pluginName(plugin), type: plugin.uri };
    const began = performance.now();
    entry.status = 'starting';
    try {
      const context = this.#options.contextOf(plugin, shownBy(entry));
      const needs = Object.entries(plugin.needs).map(([key, need]) => [key, grant(need, this.#entries)]);
      entry.value = await plugin.start(context, Object.fromEntries(needs));
      entry.status = 'ok';
      entry.startMs = performance.now() - began;
      this.#started.defer(() => this.#stopOne(entry));
      log.debug('plugin started', () => ({ ...fields, durationMs: Math.round(entry.startMs ?? 0) }));
    } catch (thrown) {
      entry.thrown = thrown;
      entry.startMs = performance.now() - began;
      entry.status = thrown instanceof SkipPlugin ? 'skip' : 'error';
      if (entry.status === 'skip') log.info('skip loading plugin', { ...fields, error: thrown });
      else log.warn('failed to load plugin', { ...fields, error: thrown });
    }
  }

  async #stopOne(entry: Entry): Promise<void> {
    const { log } = this.#options;
    const id = pluginName(entry.plugin);
    entry.status = 'stopped';
    const timer = Promise.withResolvers<never>();
    const timeout = setTimeout(
      () => timer.reject(failedPrecondition(`not stopped after ${stopTimeoutMs} ms`)),
      stopTimeoutMs,
    );
    try {
      await Promise.race([dispose(entry.value), timer.promise]);
      log.debug('plugin stopped', { id });
    } catch (thrown) {
      log.error('plugin did not stop as it should', { id, error: thrown });
    } finally {
      clearTimeout(timeout);
    }
  }
}

function refusal({ plugin, thrown }: Entry): Error {
  const subject = `required plugin ${pluginName(plugin)}`;
  return thrown instanceof SkipPlugin ? failedPrecondition(`${subject}: ${thrown.message}`) : wrap(thrown, subject);
}

async function dispose(value: unknown): Promise<void> {
  if (typeof value !== 'object' || value === null) return;
  const thing = value as Partial<AsyncDisposable & Disposable>;
  if (Symbol.asyncDispose in thing) await thing[Symbol.asyncDispose]?.();
  else thing[Symbol.dispose]?.();
}

function shownBy(entry: Entry): ShownByPlugin {
  return {
    setExport: (name, value) => {
      entry.exports = { ...(entry.exports ?? entry.plugin.exports), [name]: value };
    },
    setCapabilities: (capabilities) => {
      entry.capabilities = capabilities;
    },
    setPlatforms: (platforms) => {
      entry.platforms = platforms;
    },
    answerQuestions: (answer) => {
      entry.answer = answer;
    },
  };
}

function report(entry: Entry): PluginReport {
  const { plugin, status, thrown, startMs, answer } = entry;
  const skipped = thrown instanceof SkipPlugin;
  return {
    type: plugin.uri,
    id: plugin.id,
    requires: [...new Set(Object.values(plugin.needs).map(({ uri }) => uri))],
    platforms: entry.platforms ?? plugin.platforms,
    exports: entry.exports ?? plugin.exports,
    capabilities: entry.capabilities ?? plugin.capabilities,
    status,
    ...(startMs !== undefined && { startMs }),
    ...(answer !== undefined && { answer }),
    // Clients tell a skipped plugin from a failed one by this ending alone.
    ...(thrown !== undefined && {
      initError: {
        class: skipped ? 'unknown' : classOf(thrown),
        message: skipped ? `${thrown.message}: skip plugin` : messageOf(thrown),
      },
    }),
  };
}
