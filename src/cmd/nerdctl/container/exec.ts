import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { execAttached, execDetached } from '#ops/container/exec';
import { findContainer } from '#ops/container/find';
import { parseEnv, parseEnvFile } from '#ops/container/parse/environment';
import { flag, list, text } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { command, type NerdctlInvocation } from '../globals.ts';
import { notExecutableExit, startFailure } from './process-exits.ts';
import { requireTerminal, userSide } from './terminal.ts';

const flags = {
  detach: flag('run it in the background', { alias: 'd' }),
  'detach-keys': text('keys that leave it running', { default: 'ctrl-p,ctrl-q' }),
  env: list("NAME=value, or NAME for the caller's own", { alias: 'e' }),
  'env-file': list('a file of such lines', { completes: 'files' }),
  interactive: flag('hand on the input', { alias: 'i' }),
  privileged: flag('give it all capabilities'),
  tty: flag('give it a terminal', { alias: 't' }),
  user: text('name or uid, and optionally group: <name|uid>[:<group|gid>]', { alias: 'u' }),
  workdir: text('the directory to start in', { alias: 'w' }),
};

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER COMMAND [ARG...]',
    arity: [2, Number.POSITIVE_INFINITY],
    completes: ['containers'],
    interspersed: false,
    flags,
    run: async (engine, invocation) => {
      const { io, flags, args, globals } = invocation;
      const [word = '', ...words] = args;
      const { detach, interactive, tty, privileged } = flags;
      requireTerminal(io, tty && interactive && !detach);
      const container = await findContainer(engine, word);
      const options = {
        ...{ args: words, tty, privileged, user: flags.user, workdir: flags.workdir },
        env: await environment(invocation),
      };
      try {
        if (detach) {
          await execDetached(engine, container, options);
          return 0;
        }
        const wanted = { tty, input: interactive, detachKeys: flags['detach-keys'], proxy: false };
        using side = userSide(engine, io, container.id, wanted);
        const end = await execAttached(engine, container, options, {
          detachKeys: side.detachKeys,
          streams: {
            ...(interactive && { stdin: io.stdin as AsyncIterable<Uint8Array> }),
            stdout: (bytes) => io.stdout.write(bytes),
            stderr: (bytes) => io.stderr.write(bytes),
          },
          onStarted: (execId) => {
            void side.fit(execId);
            return side.follow(execId);
          },
        });
        return end?.exitCode ?? 0;
      } catch (thrown) {
        throw execFailure(thrown, globals);
      }
    },
  });

/** A command that cannot be executed has docker's codes; anything else that goes wrong is 1. */
function execFailure(thrown: unknown, globals: NerdctlInvocation['globals']): Exit {
  const failure = startFailure(thrown, globals, 1);
  return failure.code >= notExecutableExit && !(thrown instanceof Exit)
    ? new Exit(failure.code, failure.message)
    : failure;
}

async function environment({ io, flags: given }: NerdctlInvocation<typeof flags>): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const path of given['env-file']) {
    const content = await readFile(resolve(io.cwd, path), 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw new Exit(1, `open ${path}: no such file or directory`);
      throw cause;
    });
    lines.push(...parseEnvFile(content, path, io.env));
  }
  return [...lines, ...given.env.flatMap((text) => parseEnv(text, io.env))];
}
