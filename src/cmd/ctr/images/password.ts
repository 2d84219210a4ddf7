import { invalidArgument } from '#base/errors';
import { isTerminal, rawTerminal } from '#sys/pty';
import type { Io } from '../../cli/io.ts';

/** Asks for a password on the terminal without showing it; from a pipe, takes the first line. @throws invalid_argument when there is none */
export async function readPassword(io: Io): Promise<string> {
  const { fd } = io.stdin;
  const terminal = fd !== undefined && isTerminal(fd);
  if (terminal) await io.stderr.write('Password: ');
  using _raw = terminal ? rawTerminal(fd) : { [Symbol.dispose]: () => {} };
  let typed = '';
  for await (const bytes of io.stdin) {
    for (const character of Buffer.from(bytes as Uint8Array).toString('utf8')) {
      if (character === '\r' || character === '\n') {
        if (terminal) await io.stderr.write('\r\n');
        return typed;
      }
      if (character === '\x03' || character === '\x04') throw invalidArgument('no password given');
      typed = character === '\x7f' ? typed.slice(0, -1) : typed + character;
    }
  }
  if (typed === '') throw invalidArgument('no password given');
  return typed;
}
