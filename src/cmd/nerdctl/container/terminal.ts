import { constants } from 'node:os';
import { isFault, messageOf } from '#base/errors';
import { parseDetachKeys } from '#lib/detach-keys';
import type { Engine } from '#ops/engine';
import { isTerminal, onResize, rawTerminal, terminalSize } from '#sys/pty';
import { Exit, type Io } from '../../cli/io.ts';

/** How a user's side of a process is to be. */
export interface Wanted {
  /** The process has a terminal. */
  readonly tty: boolean;
  /** The user's input goes to it. */
  readonly input: boolean;
  readonly detachKeys: string;
  /** Signals go to it. */
  readonly proxy: boolean;
}

/** The user's side of a process, until it is disposed. */
export interface UserSide extends Disposable {
  /** Empty where there is no terminal to type them at. */
  readonly detachKeys: Uint8Array;
  /** Gives the process's terminal the size of the user's. */
  fit(execId: string): Promise<void>;
  /** Keeps it so, or hands on signals, until disposed. */
  follow(execId: string): Disposable;
}

/** Puts the user's terminal into raw mode where what is typed is the process's. @throws Exit when the process wants a terminal and there is none to type at */
export function userSide(engine: Engine, io: Io, id: string, { tty, input, detachKeys, proxy }: Wanted): UserSide {
  const keys = parseDetachKeys(detachKeys);
  requireTerminal(io, tty && input);
  const raw = tty && input ? rawTerminal(io.stdin.fd ?? 0) : undefined;
  return {
    detachKeys: tty && input ? keys : new Uint8Array(),
    fit: async (execId) => {
      if (tty) await fit(engine, io, id, execId);
    },
    follow: (execId) => {
      if (tty) return onTerminalSize(io, () => void fit(engine, io, id, execId));
      return proxy ? forwardSignals(engine, io, id, execId) : { [Symbol.dispose]: () => {} };
    },
    [Symbol.dispose]: () => raw?.[Symbol.dispose](),
  };
}

/** @throws Exit in docker's words */
export function requireTerminal(io: Io, wanted: boolean): void {
  if (wanted && (io.stdin.fd === undefined || !isTerminal(io.stdin.fd)))
    throw new Exit(1, 'the input device is not a TTY');
}

const screenOf = (io: Io): number | undefined =>
  [io.stdout.fd, io.stdin.fd].find((fd) => fd !== undefined && isTerminal(fd));

async function fit({ client, scope }: Engine, io: Io, id: string, execId: string): Promise<void> {
  const fd = screenOf(io);
  if (fd === undefined) return;
  const { columns, rows } = terminalSize(fd);
  if (columns === 0 && rows === 0) return;
  try {
    await client.tasks.resizePty(scope, id, execId, { width: columns, height: rows });
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) await io.stderr.write(`failed to resize tty: ${messageOf(thrown)}\r\n`);
  }
}

function onTerminalSize(io: Io, changed: () => void): Disposable {
  const fd = screenOf(io);
  return fd === undefined ? { [Symbol.dispose]: () => {} } : onResize(fd, changed);
}

function forwardSignals({ client, scope }: Engine, io: Io, id: string, execId: string): Disposable {
  return io.onSignal((name) => {
    const options = { execId, signal: constants.signals[name], all: false };
    client.tasks.kill(scope, id, options).catch(async (thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) await io.stderr.write(`forward signal ${name}: ${messageOf(thrown)}\n`);
    });
  });
}
