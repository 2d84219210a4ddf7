import type { Operations } from '#base/operations';
import { collectGarbage, forgetCode, releaseProgram } from '#sys/heap';

export interface IdleTimes {
  readonly checkMs: number;
  /** Without a call for so long, garbage is collected. */
  readonly garbageMs: number;
  /** After so long, compiled code goes too. */
  readonly codeMs: number;
  /** And after so long, what compiled code had kept alive, and the program's own code. */
  readonly againMs: number;
}

/** What there is to do about it. */
export interface IdleMemory {
  collectGarbage(): void;
  forgetCode(): void;
  releaseProgram(): void;
}

/** A collection holds the daemon up for some 20 ms, the first call after code was forgotten takes about that much longer: neither under work. */
const usual: IdleTimes = { checkMs: 5_000, garbageMs: 10_000, codeMs: 25_000, againMs: 30_000 };

/**
 * Gives memory back when nobody calls: the engine itself collects only under pressure of new objects, of which an idle daemon makes none.
 * Until it is disposed.
 */
export function tidyWhenIdle(
  operations: Operations,
  times: IdleTimes = usual,
  memory: IdleMemory = { collectGarbage, forgetCode, releaseProgram },
): Disposable {
  let begun = -1;
  let since = performance.now();
  const steps = [
    { afterMs: times.garbageMs, take: () => memory.collectGarbage() },
    { afterMs: times.codeMs, take: () => memory.forgetCode() },
    {
      afterMs: times.againMs,
      take: () => {
        memory.collectGarbage();
        memory.releaseProgram();
      },
    },
  ];
  let taken = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    if (operations.begun !== begun) {
      begun = operations.begun;
      since = now;
      taken = 0;
      return;
    }
    const step = steps[taken];
    if (step === undefined || now - since < step.afterMs) return;
    step.take();
    taken += 1;
  }, times.checkMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
