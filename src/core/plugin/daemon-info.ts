import type { PluginPlatform } from './plugin.ts';

/** What every plugin may know of the daemon that it runs in. */
export interface DaemonInfo {
  readonly root: string;
  readonly state: string;
  /** The gRPC socket's path. */
  readonly address: string;
  readonly ttrpcAddress: string;
  /** For temporary files; '' for the system's own place. */
  readonly tempDir: string;
  readonly version: string;
  readonly revision: string;
  /** Whether `[debug] level` is debug or trace; shims are told. */
  readonly debug: boolean;
  /** The path that starts this program again (`containerd publish`). */
  readonly executable: string;
  readonly streamProcessors: ReadonlyMap<string, StreamProcessor>;
  /** `[timeouts]` by name, in milliseconds; `fallbackMs` when the file says nothing. */
  timeout(name: string, fallbackMs: number): number;
  /** All plugins with their fate so far, in the order in which they were started. */
  plugins(): readonly PluginReport[];
}

/** A program that turns one media type into another (`[stream_processors.<id>]`). */
export interface StreamProcessor {
  readonly accepts: readonly string[];
  readonly returns: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
}

/** A plugin as `ctr plugins ls` shows it. */
export interface PluginReport {
  readonly uri: string;
  readonly id: string;
  /** URIs of the slots it needs. */
  readonly requires: readonly string[];
  readonly platforms: readonly PluginPlatform[];
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly status: 'waiting' | 'starting' | 'ok' | 'skip' | 'error' | 'stopped';
  /** Why it was skipped or failed. */
  readonly reason?: string;
  /** How long its start took. */
  readonly startMs?: number;
}
