import { invalidArgument } from '#base/errors';
import { existingIo, fifoIo, nullIo, type Streams, type TaskIo, uriIo } from '#client/task-io';
import type { Stdio } from '#core/runtime/runtime';
import { isTerminal, onResize, rawTerminal, terminalSize } from '#sys/pty';
import type { Io } from '../../cli/io.ts';

export interface IoChoice {
  readonly tty: boolean;
  readonly nullIo?: boolean;
  readonly logUri?: string;
  readonly fifoDir?: string;
  /** The process outlives this command. */
  readonly keep?: boolean;
}

/** The streams that the flags ask for. @throws invalid_argument for flags that exclude each other, and a terminal where there is none */
export async function chooseIo(io: Io, id: string, choice: IoChoice): Promise<TaskIo> {
  const { tty, logUri = '', fifoDir = '' } = choice;
  if (tty && choice.nullIo) throw invalidArgument('tty and null-io cannot be used together');
  if (tty && logUri !== '') throw invalidArgument("can't use log-uri with tty");
  if (logUri !== '' && fifoDir !== '') throw invalidArgument("can't use log-uri with fifo-dir");
  if (choice.nullIo) return nullIo();
  if (logUri !== '') return uriIo(checkedUri(logUri));
  return fifoIo(id, streamsOf(io), { terminal: tty, fifoDir, keep: choice.keep ?? false });
}

/** The streams of a process that runs already. */
export const attachIo = (io: Io, stdio: Stdio): TaskIo => existingIo(stdio, streamsOf(io));

/** Puts the user's terminal into raw mode, when the process is to have one, until disposed. @throws invalid_argument without a terminal */
export function consoleFor(io: Io, tty: boolean): Disposable {
  if (!tty) return { [Symbol.dispose]: () => {} };
  const fd = terminalFd(io);
  return rawTerminal(fd);
}

/** Keeps the process's window as large as the user's, from now until disposed. */
export function followSize(
  io: Io,
  resize: (size: { readonly width: number; readonly height: number }) => void,
): Disposable {
  const fd = terminalFd(io);
  const apply = ({ columns, rows }: { readonly columns: number; readonly rows: number }) =>
    resize({ width: columns, height: rows });
  apply(terminalSize(fd));
  return onResize(fd, apply);
}

function terminalFd(io: Io): number {
  const fd = [io.stdin.fd, io.stdout.fd, io.stderr.fd].find((one) => one !== undefined && isTerminal(one));
  if (fd === undefined) throw invalidArgument('provided file is not a console');
  return fd;
}

const streamsOf = (io: Io): Streams => ({
  stdin: io.stdin as AsyncIterable<Uint8Array>,
  stdout: (bytes) => io.stdout.write(bytes),
  stderr: (bytes) => io.stderr.write(bytes),
});

function checkedUri(text: string): string {
  if (!/^[a-z][a-z0-9-]*:\/\/\/?./.test(text))
    throw invalidArgument(`log-uri ${JSON.stringify(text)}: wanted scheme://…`);
  return text;
}
