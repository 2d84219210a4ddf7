import type { Any } from '#base/any';
import type { Deprecations } from '#base/deprecations';
import type { Metrics } from '#base/metrics';
import type { Operations } from '#base/operations';
import type { Tracing } from '#base/tracing';
import type { PluginInfo } from '#core/introspection/introspection';

/** What every plugin may know of the daemon that it runs in, and the boards on which it may put what others want to see. */
export interface DaemonInfo {
  readonly root: string;
  readonly state: string;
  /** The gRPC socket's path. */
  readonly address: string;
  readonly ttrpcAddress: string;
  /** For temporary files and mounts: this daemon's alone, and emptied when it starts. '' (in tests) for the system's own place. */
  readonly tempDir: string;
  readonly version: string;
  readonly revision: string;
  /** Whether `[debug] level` is debug or trace; shims are told. */
  readonly debug: boolean;
  /** The path that starts this program again (`containerd publish`). */
  readonly executable: string;
  readonly streamProcessors: ReadonlyMap<string, StreamProcessor>;
  /** What goes on at this moment, for whoever asks why nothing does. */
  readonly operations: Operations;
  /** Where what goes on can be followed from outside. */
  readonly tracing: Tracing;
  /** What is in use here and goes away one day. */
  readonly deprecations: Deprecations;
  /** What the `[metrics]` listener shows. */
  readonly metrics: Metrics;
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

export interface PluginReport extends PluginInfo {
  readonly status: 'waiting' | 'starting' | 'ok' | 'skip' | 'error' | 'stopped';
  /** How long its start took. */
  readonly startMs?: number;
  /** Where it takes questions. */
  readonly answer?: QuestionAnswerer;
}

/** What a plugin makes of a question. @throws not_implemented for one that it does not know */
export type QuestionAnswerer = (question: Any, signal: AbortSignal) => Promise<Any>;
