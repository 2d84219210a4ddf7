import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { fault, unavailable, wrap } from '#base/errors';
import { type Command, group } from '../../cli/command.ts';
import { duration, type Flag, number } from '../../cli/flags.ts';
import { type CtrInvocation, localCommand } from '../globals.ts';
import { chosenShim, shimSocket } from './connection.ts';

/** `shim pprof`: what shims that are written in Go and were started with debugging tell of themselves. Ours has no such socket. */
export const shimPprof = group('pprof', 'provide golang pprof outputs for containerd-shim', [
  profile('block', 'goroutine blocking profile', 0),
  profile('goroutines', 'print goroutine stack dump', 2, { path: 'goroutine' }),
  profile('heap', 'dump heap profile', 0),
  profile('profile', 'CPU profile', 0, { seconds: 30, alias: 's', help: 'duration for collection (seconds)' }),
  profile('threadcreate', 'goroutine thread creating profile', 0),
  profile('trace', 'collect execution trace', 0, { seconds: 5, alias: 's', help: 'trace time (seconds)' }),
]);

interface ProfileOptions {
  /** Below /debug/pprof, when it is not called like the command. */
  readonly path?: string;
  readonly seconds?: number;
  readonly alias?: string;
  readonly help?: string;
}

function profile(name: string, summary: string, debug: number, options: ProfileOptions = {}): Command {
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
      await copyProfile(invocation, `/debug/pprof/${path}?${query}`);
      return 0;
    },
  });
}

async function copyProfile(invocation: Pick<CtrInvocation, 'globals' | 'io'>, path: string): Promise<void> {
  const { id, given, address, namespace } = chosenShim(invocation);
  const socketPath = given === '' ? shimSocket(address, namespace, id, 'debug') : given.replace(/^unix:\/\//, '');
  const { io } = invocation;
  const sent = request({ socketPath, path, host: 'localhost', signal: io.signal });
  sent.end();
  const [answer] = (await once(sent, 'response').catch((thrown: unknown) => {
    throw unavailable(`the debug socket of shim ${id} at ${socketPath}`, thrown);
  })) as [IncomingMessage];
  if (answer.statusCode !== 200) throw fault('unknown', `shim ${id} answered ${path} with ${answer.statusCode}`);
  try {
    for await (const bytes of answer) await io.stdout.write(bytes as Uint8Array);
  } catch (thrown) {
    throw wrap(thrown, `profile of shim ${id}`);
  }
}
