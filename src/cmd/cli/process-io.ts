import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Io, Output } from './io.ts';

/** The real process as a command sees it. `signal` fires at the first SIGINT or SIGTERM unless somebody else handles them. */
export function processIo(argv: readonly string[]): Io {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => interrupted.abort(new Error(`interrupted by ${name}`)));
  }
  return {
    argv,
    get stdin() {
      return process.stdin; // opening it changes the terminal's state in some runtimes: only when asked for
    },
    stdout: output(1, process.stdout.isTTY, () => process.stdout.columns),
    stderr: output(2, process.stderr.isTTY, () => process.stderr.columns),
    env: process.env,
    cwd: process.cwd(),
    signal: interrupted.signal,
  };
}

function output(fd: number, isTTY: boolean, columns: () => number): Output {
  return {
    fd,
    isTTY,
    get columns() {
      return columns();
    },
    write: async (data) => {
      let rest = typeof data === 'string' ? new TextEncoder().encode(data) : data;
      while (rest.length > 0) {
        try {
          rest = rest.subarray(writeSync(fd, rest));
        } catch (thrown) {
          if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown;
          await wait(2); // a pipe that somebody made non-blocking is full
        }
      }
    },
  };
}
