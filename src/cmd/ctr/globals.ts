import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import { unavailable } from '#base/errors';
import type { Client } from '#client/client';
import { type Scope, scopeOf } from '#core/scope';
import { parseAddress } from '#rpc/address';
import { commandsFor, type Invocation } from '../cli/command.ts';
import { duration, type Flags, flag, text } from '../cli/flags.ts';
import type { Io } from '../cli/io.ts';

/** What stands before ctr's commands. */
export const globals = {
  debug: flag('enable debug output in logs'),
  address: text("address for containerd's GRPC server", {
    alias: 'a',
    default: '/run/containerd/containerd.sock',
    env: 'CONTAINERD_ADDRESS',
    completes: 'files',
  }),
  timeout: duration('total timeout for ctr commands'),
  'connect-timeout': duration('timeout for connecting to containerd'),
  namespace: text('namespace to use with commands', {
    alias: 'n',
    default: 'default',
    env: 'CONTAINERD_NAMESPACE',
    completes: 'namespaces',
  }),
};
type Globals = typeof globals;
export type CtrInvocation<F extends Flags = Flags> = Invocation<F, Globals>;

const define = commandsFor<Globals>();

interface ClientCommand<F extends Flags> extends Omit<Parameters<typeof define<F>>[0], 'run'> {
  run(session: Session, invocation: CtrInvocation<F>): Promise<number | undefined>;
}

/** A connection for the time of one command, and the scope that the command line asks for. */
export interface Session {
  readonly client: Client;
  readonly scope: Scope;
}

/** A command that talks to a daemon. */
export function command<F extends Flags>(spec: ClientCommand<F>) {
  return define({
    ...spec,
    run: async (invocation: CtrInvocation<F>) => {
      const { globals: all, io } = invocation;
      const signal = withTimeout(io.signal, all.timeout);
      // Help, completions and commands that need no daemon do without the code for it.
      const { openClient } = await import('#client/client');
      await using client = openClient(all.address, { environment: io.env });
      if (all['connect-timeout'] > 0) await connect(client, all.address, all['connect-timeout']);
      try {
        return await spec.run({ client, scope: scopeOf(all.namespace, { signal }) }, invocation);
      } catch (thrown) {
        if (all.debug) await io.stderr.write(`${inspect(thrown)}\n`);
        throw thrown;
      }
    },
  });
}

/** Gives a daemon that is slow to answer time; where there is not even a socket, nobody will. @throws unavailable */
async function connect({ transport }: Client, address: string, timeoutMs: number): Promise<void> {
  const parsed = parseAddress(address);
  if (parsed.kind === 'unix' && !existsSync(parsed.path))
    throw unavailable(`connect to ${address}: there is no socket`);
  const { connectWithin } = await import('#rpc/transport');
  await connectWithin(transport, timeoutMs);
}

/** One that does not. Its own signal ends after the total timeout, too. */
export const localCommand: typeof define = (spec) =>
  define({
    ...spec,
    run: (invocation) => {
      const { io, globals: all } = invocation;
      if (all.timeout <= 0) return spec.run(invocation);
      const limited: Io = Object.create(io, { signal: { value: withTimeout(io.signal, all.timeout) } });
      return spec.run({ ...invocation, io: limited });
    },
  });

/** The signal, which also fires after so many milliseconds; 0: never by itself. */
export const withTimeout = (signal: AbortSignal, timeoutMs: number): AbortSignal =>
  timeoutMs > 0 ? AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) : signal;
