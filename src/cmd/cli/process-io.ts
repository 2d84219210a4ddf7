import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { isTerminal, terminalSize } from '#sys/pty';
import type { Io, Output } from './io.ts';

/** What `onSignal` hands on. Not those that the kernel sends for faults, nor SIGCHLD, SIGURG and SIGPIPE, which concern this process alone. */
const forwarded = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
] as const;

/** The real process as a command sees it. */
export function processIo(argv: readonly string[]): Io {
  const interrupted = new AbortController();
  const listeners = new Set<(name: NodeJS.Signals) => void>();
  const dispatch = (name: NodeJS.Signals) => {
    if (listeners.size > 0) for (const listener of listeners) listener(name);
    else interrupted.abort(new Error(`interrupted by ${name}`));
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, dispatch);
  return {
    argv,
    get stdin() {
      return process.stdin; // opening it changes the terminal's state in some runtimes: only when asked for
    },
    stdout: output(1),
    stderr: output(2),
    env: process.env,
    cwd: process.cwd(),
    signal: interrupted.signal,
    onSignal: (listener) => {
      listeners.add(listener);
      const others = forwarded.filter((name) => name !== 'SIGINT' && name !== 'SIGTERM');
      for (const name of others) process.on(name, listener);
      return {
        [Symbol.dispose]: () => {
          listeners.delete(listener);
          for (const name of others) process.off(name, listener);
        },
      };
    },
  };
}

function output(fd: number): Output {
  return {
    fd,
    get isTTY() {
      return isTerminal(fd);
    },
    get columns() {
      return isTerminal(fd) ? terminalSize(fd).columns : 0;
    },
    get rows() {
      return isTerminal(fd) ? terminalSize(fd).rows : 0;
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
