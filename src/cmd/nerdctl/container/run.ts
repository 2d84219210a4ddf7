import { parseDetachKeys } from '#lib/detach-keys';
import type { StreamOptions } from '#ops/container/create-options';
import { type RunOptions, runAttached, runDetached } from '#ops/container/run';
import type { Engine } from '#ops/engine';
import { Exit } from '../../cli/io.ts';
import { command, type NerdctlInvocation } from '../globals.ts';
import { type Attached, attachOptions } from './attach-options.ts';
import { createOptions } from './create-options.ts';
import { pullNotice } from './create-pull.ts';
import { engineExit, startFailure } from './process-exits.ts';
import { containerFlags, runFlags } from './run-flags.ts';
import { requireTerminal, userSide } from './terminal.ts';

const flags = { ...containerFlags, ...runFlags };
type RunInvocation = NerdctlInvocation<typeof flags>;

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'IMAGE [COMMAND] [ARG...]',
    arity: [1, Number.POSITIVE_INFINITY],
    interspersed: false,
    completes: ['images'],
    failure: engineExit,
    flags,
    run: async (engine, invocation) => {
      const { io, flags, globals } = invocation;
      const read = await createOptions(invocation);
      if (read.image === '') throw new Exit(engineExit, 'invalid reference format');
      parseDetachKeys(flags['detach-keys']); // before there is anything that would be left
      const attached = attachedStreams(invocation);
      requireTerminal(io, flags.tty && attached.stdin);
      const options: RunOptions = {
        ...read,
        streams: { ...read.streams, attach: names(attached) },
        ...pullNotice(io, flags.quiet),
        onCreated: async ({ warnings }) => {
          for (const warning of warnings) await io.stderr.write(`WARNING: ${warning}\n`);
        },
      };
      try {
        return await run(engine, invocation, options, attached);
      } catch (thrown) {
        throw startFailure(thrown, globals);
      }
    },
  });

async function run(
  engine: Engine,
  { io, flags }: RunInvocation,
  options: RunOptions,
  attached: Attached,
): Promise<number> {
  if (flags.detach) {
    const { id } = await runDetached(engine, options);
    await io.stdout.write(`${id}\n`);
    return 0;
  }
  const wanted = {
    ...{ tty: flags.tty, input: attached.stdin, detachKeys: flags['detach-keys'], proxy: flags['sig-proxy'] },
  };
  using held = new DisposableStack();
  const end = await runAttached(engine, options, ({ id }) =>
    attachOptions(io, held.use(userSide(engine, io, id, wanted)), attached),
  );
  return end?.exitCode ?? 0;
}

/** Without `-a`: output, and with `-i` input, of one that is not in the background. */
function attachedStreams({ flags }: RunInvocation): Attached {
  const asked = flags.attach.map((stream) => stream.toLowerCase());
  if (flags.detach && asked.length > 0)
    throw new Exit(engineExit, 'conflicting options: cannot specify both --attach and --detach');
  if (flags.detach) return { stdin: false, stdout: false, stderr: false };
  if (asked.length === 0) return { stdin: flags.interactive, stdout: true, stderr: true };
  return {
    stdin: asked.includes('stdin') && flags.interactive,
    stdout: asked.includes('stdout'),
    stderr: asked.includes('stderr'),
  };
}

const names = (attached: Attached): NonNullable<StreamOptions['attach']> =>
  (['stdin', 'stdout', 'stderr'] as const).filter((stream) => attached[stream]);
