import type { ErrorClass } from '#base/errors';
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
  readonly deprecations: readonly { readonly id: string; readonly message: string }[];
}

export interface Introspection {
  /** Filters: type, id. */
  plugins(filters?: readonly string[]): Promise<readonly PluginInfo[]>;
  server(): Promise<ServerInfo>;
}
