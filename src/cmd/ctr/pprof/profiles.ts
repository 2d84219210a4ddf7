import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { fault, unavailable, wrap } from '#base/errors';
import type { Command } from '../../cli/command.ts';
import { duration, type Flag, number } from '../../cli/flags.ts';
import { type CtrInvocation, localCommand } from '../globals.ts';

/** Whom to ask for profiles, and what to call that in errors. */
export interface DebugSocket {
  readonly path: string;
  readonly whose: string;
}

/** The profiles that programs in the field have behind their debug sockets, each a command that prints one. */
export const profileCommands = (socketOf: SocketOf): readonly Command[] => [
  profile(socketOf, 'block', 'goroutine blocking profile', 0),
  profile(socketOf, 'goroutines', 'dump goroutine stack dump', 2, { path: 'goroutine' }),
  profile(socketOf, 'heap', 'dump heap profile', 0),
  profile(socketOf, 'profile', 'CPU profile', 0, { seconds: 30, help: 'duration for collection (seconds)' }),
  profile(socketOf, 'threadcreate', 'goroutine thread creating profile', 0),
  profile(socketOf, 'trace', 'collect execution trace', 0, { seconds: 5, help: 'trace time (seconds)' }),
];

type SocketOf = (invocation: Pick<CtrInvocation, 'globals' | 'io'>) => DebugSocket;

interface ProfileOptions {
  /** Below /debug/pprof, when it is not called like the command. */
  readonly path?: string;
  readonly seconds?: number;
  readonly help?: string;
}

function profile(
  socketOf: SocketOf,
  name: string,
  summary: string,
  debug: number,
  options: ProfileOptions = {},
): Command {
  const { path = name, seconds, help = '' } = options;
  const debugFlag = number('output format, value = 0: binary, value > 0: plaintext', { default: debug });
  const timed: Record<string, Flag<number>> = seconds === undefined
    ? {}
    : { seconds: duration(help, { default: seconds * 1000, alias: 's' }) };
  return localCommand({
    name,
    summary,
    flags: { ...timed, debug: debugFlag },
    run: async (invocation) => {
      const { flags } = invocation as CtrInvocation & { readonly flags: Readonly<Record<string, number>> };
      const query = new URLSearchParams({ debug: String(flags.debug) });
      if (flags.seconds !== undefined) query.set('seconds', String(Math.max(1, Math.round(flags.seconds / 1000))));
      await copyProfile(socketOf(invocation), `/debug/pprof/${path}?${query}`, invocation.io);
      return 0;
    },
  });
}

async function copyProfile(
  { path: socketPath, whose }: DebugSocket,
  path: string,
  io: CtrInvocation['io'],
): Promise<void> {
  const sent = request({ socketPath, path, host: 'localhost', signal: io.signal });
  sent.end();
  const [answer] = (await once(sent, 'response').catch((thrown: unknown) => {
    throw unavailable(`the debug socket of ${whose} at ${socketPath}`, thrown);
  })) as [IncomingMessage];
  try {
    if (answer.statusCode !== 200) throw fault('unknown', `${path}: ${answer.statusCode}: ${await textOf(answer)}`);
    for await (const bytes of answer) await io.stdout.write(bytes as Uint8Array);
  } catch (thrown) {
    throw wrap(thrown, whose);
  }
}

/** The beginning of what it says. */
async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const bytes of answer) if (text.length < 500) text += String(bytes);
  return text.slice(0, 500).trim();
}
