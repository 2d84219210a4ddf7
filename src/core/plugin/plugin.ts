import { noConfig, type Table } from '#base/config';
import type { Log } from '#base/log';
import type { StoreCheck } from '#core/check/store-check';
import { defaultPlatform, type Platform } from '#lib/platform';
import type { DaemonInfo, QuestionAnswerer } from './daemon-info.ts';
import type { AnyNeed, Granted, Slot } from './slot.ts';

/** What `start` receives besides the plugins it asked for. */
export interface PluginContext<C> {
  readonly config: C;
  /** `<root>/<uri>.<id>`, made when the plugin first asks for it. Survives reboots. */
  readonly rootDir: string;
  /** `<state>/<uri>.<id>`, made when the plugin first asks for it. Gone after a reboot. */
  readonly stateDir: string;
  /** Fires when the daemon begins to stop; what `start` returned is disposed afterwards. */
  readonly signal: AbortSignal;
  /** Adds the plugin's name to every line. */
  readonly log: Log;
  readonly daemon: DaemonInfo;
  /** Something clients may read in the plugin list (`root` of a snapshotter). */
  setExport(name: string, value: string): void;
  /** Replaces the capabilities shown in the plugin list. */
  setCapabilities(capabilities: readonly string[]): void;
  /** Takes questions that clients put to this plugin by name (`Introspection.plugin`). */
  answerQuestions(answer: QuestionAnswerer): void;
  /** Replaces the platforms shown in the plugin list. */
  setPlatforms(platforms: readonly Platform[]): void;
}

type Needs = Readonly<Record<string, AnyNeed>>;

export interface PluginDefinition<T, C, N extends Needs> {
  readonly slot: Slot<T>;
  readonly id: string;
  readonly config?: Table<C>;
  readonly needs?: N;
  readonly platforms?: readonly Platform[];
  readonly exports?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  /** How `containerd check` looks at what the plugin keeps, while no daemon runs. */
  readonly check?: StoreCheck<NoInfer<C>>;
  /**
   * Makes what stands in the slot. Throws `SkipPlugin` when it cannot work here, anything else when it should but does not.
   * A value that is (async) disposable is disposed when the daemon stops, before the plugins it needed.
   */
  start(context: PluginContext<C>, granted: Granted<N>): T | Promise<T>;
}

const brand = Symbol.for('berth.plugin');

/** A plugin whose types have been checked and forgotten: what the graph, `builtins.ts` and a plugin module hold. */
export interface AnyPlugin {
  readonly [brand]: true;
  readonly uri: string;
  readonly id: string;
  readonly config: Table<unknown>;
  readonly needs: Needs;
  readonly platforms: readonly Platform[];
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly check?: StoreCheck<unknown>;
  start(context: PluginContext<unknown>, granted: Readonly<Record<string, unknown>>): unknown;
}

/** Declares a plugin. Nothing happens until a daemon starts it. */
export function definePlugin<
  T,
  C = Readonly<Record<never, never>>,
  const N extends Needs = Readonly<Record<never, never>>,
>(definition: PluginDefinition<T, C, N>): AnyPlugin {
  const { slot, id, config, needs, exports = {}, capabilities = [] } = definition;
  const platforms = definition.platforms ?? (slot.perPlatform ? [defaultPlatform()] : []);
  return {
    [brand]: true,
    uri: slot.uri,
    id,
    config: config ?? noConfig,
    needs: needs ?? {},
    platforms,
    exports,
    capabilities,
    ...(definition.check !== undefined && { check: definition.check as StoreCheck<unknown> }),
    start: (context, granted) => definition.start(context as PluginContext<C>, granted as Granted<N>),
  };
}

/** True for what `definePlugin` made, also by another copy of this module. */
export function isPlugin(value: unknown): value is AnyPlugin {
  return typeof value === 'object' && value !== null && brand in value;
}

/** `io.containerd.snapshotter.v1.overlayfs`: directory name, key in `config.toml`, row in the plugin list. */
export const pluginName = (plugin: { readonly uri: string; readonly id: string }): string =>
  `${plugin.uri}.${plugin.id}`;

const skipBrand = Symbol.for('berth.skip-plugin');

/** Thrown by `start` when the plugin cannot work on this machine; the daemon goes on without it and shows the reason. */
export class SkipPlugin extends Error {
  readonly [skipBrand] = true;

  constructor(why: string) {
    super(why);
    this.name = 'SkipPlugin';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && skipBrand in value;
  }
}
