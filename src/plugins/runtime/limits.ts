import type { Limits } from './environment.ts';

/** The limits that `[timeouts]` sets, or else those of custom. */
export function limitsOf(timeout: (name: string, fallbackMs: number) => number): Limits {
  const of = (name: string, fallbackMs: number) => timeout(`io.containerd.timeout.${name}`, fallbackMs);
  return {
    load: of('shim.load', 5_000),
    cleanup: of('shim.cleanup', 5_000),
    shutdown: of('shim.shutdown', 3_000),
    state: of('task.state', 2_000),
    start: of('shim.start', 120_000),
    call: of('task.call', 60_000),
    kill: of('task.kill', 10_000),
    info: of('shim.info', 10_000),
  };
}
