declare const carries: unique symbol;
declare const grants: unique symbol;

/**
 * A named place that plugins fill: containerd's plugin type (`io.containerd.snapshotter.v1`) together with the TypeScript
 * type of what stands there. It is declared beside the interface, under the same name.
 */
export interface Slot<T> {
  readonly uri: string;
  /** What stands here works for containers of certain platforms: this machine's, unless the plugin names others. */
  readonly perPlatform: boolean;
  readonly [carries]?: (value: T) => T;
}

/** `export const Snapshotter: Slot<Snapshotter> = slot('io.containerd.snapshotter.v1')`. */
export function slot<T>(uri: string, options: { readonly perPlatform?: boolean } = {}): Slot<T> {
  return { uri, perPlatform: options.perPlatform ?? false };
}

/** What a plugin asks for before it can start; `V` is what it is given. */
export interface Need<V> {
  readonly mode: 'one' | 'maybe' | 'every';
  readonly uri: string;
  readonly id?: string;
  readonly [grants]?: () => V;
}

/** A need whose type has been forgotten, as the graph handles it. */
export type AnyNeed = Need<unknown>;

/** The plugin in that slot with that id, or the only one there. The asking plugin fails (or is skipped) when it is not available. */
export function one<T>(from: Slot<T>, id?: string): Need<T> {
  return { mode: 'one', uri: from.uri, ...(id !== undefined && { id }) };
}

/** The same, but `undefined` when it is not there, was skipped or failed. */
export function maybe<T>(from: Slot<T>, id?: string): Need<T | undefined> {
  return { mode: 'maybe', uri: from.uri, ...(id !== undefined && { id }) };
}

/** All plugins of the slot that started, by id. */
export function every<T>(from: Slot<T>): Need<ReadonlyMap<string, T>> {
  return { mode: 'every', uri: from.uri };
}

/** Needs → what `start` receives for them. */
export type Granted<N> = { readonly [K in keyof N]: N[K] extends Need<infer V> ? V : never };
