import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { addon } from './addon.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export const isTerminal = (fd: number): boolean => isatty(fd);

/** @throws ENOTTY */
export function terminalSize(fd: number): TerminalSize {
  const [columns = 0, rows = 0] = addon.getTerminalSize(fd);
  return { columns, rows };
}

/** Programs on the terminal get SIGWINCH. @throws ENOTTY */
export const setTerminalSize = (fd: number, size: TerminalSize): void =>
  addon.setTerminalSize(fd, size.columns, size.rows);

/** Every byte passes as it is (no echo, no signals from keys) until the result is disposed; then as before. @throws ENOTTY */
export function rawTerminal(fd: number): Disposable {
  const before = addon.getTerminal(fd);
  addon.makeRaw(fd);
  return { [Symbol.dispose]: () => addon.setTerminal(fd, before) };
}

/** Calls back with the size whenever the window changes, until disposed. Does not keep the program running. */
export function onResize(fd: number, changed: (size: TerminalSize) => void): Disposable {
  const listener = () => changed(terminalSize(fd));
  process.on('SIGWINCH', listener);
  return { [Symbol.dispose]: () => process.off('SIGWINCH', listener) };
}

/** A new pseudo-terminal: `master` for us, `path` for the program that shall live on it. */
export interface Pty extends Disposable {
  readonly master: number;
  readonly path: string;
}

/** The master is non-blocking: read it with `readFifo`, write it with `writeFifo`. */
export function openPty(size?: TerminalSize): Pty {
  const { master, path } = addon.openTerminal();
  if (size !== undefined) setTerminalSize(master, size);
  return { master, path, [Symbol.dispose]: () => closeSync(master) };
}
