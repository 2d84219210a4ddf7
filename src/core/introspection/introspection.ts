import type { Any } from '#base/any';
import type { ErrorClass } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Platform } from '#lib/platform';

/** What became of one plugin: a row of `ctr plugins ls`. */
export interface PluginInfo {
  readonly type: string;
  readonly id: string;
  /** Types of the slots that it needs. */
  readonly requires: readonly string[];
  readonly platforms: readonly Platform[];
  readonly exports: Labels;
  readonly capabilities: readonly string[];
  /** Absent when it works. A skipped plugin's text contains `skip plugin`. */
  readonly initError?: { readonly class: ErrorClass; readonly message: string };
}

export interface ServerInfo {
  readonly uuid: string;
  readonly pid: number;
  /** Inode of the daemon's pid name space. */
  readonly pidNamespace: number;
  readonly deprecations: readonly Deprecation[];
}

/** Something in use that goes away one day. */
export interface Deprecation {
  readonly id: string;
  readonly message: string;
  readonly lastSeen?: Timestamp;
}

/** One plugin, and its answer to a question that was put to it. */
export interface PluginAnswer {
  readonly plugin: PluginInfo;
  readonly extra?: Any;
}

export interface Introspection {
  /** Filters: type, id, capabilities. */
  plugins(filters?: readonly string[]): Promise<readonly PluginInfo[]>;
  server(): Promise<ServerInfo>;
  /**
   * One plugin; with a question, what it answers. `io.containerd.runtime.v2` `task` takes a RuntimeRequest and tells of that runtime.
   * @throws not_found; failed_precondition for a question to a plugin that did not start; not_implemented where it answers none
   */
  plugin(type: string, id: string, question?: Any, signal?: AbortSignal): Promise<PluginAnswer>;
}
