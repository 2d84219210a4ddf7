import { Readable } from 'node:stream';
import type { Program } from '#cmd/cli/command';
import type { Io } from '#cmd/cli/io';
import { runProgram } from '#cmd/cli/run';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface ProgramInput {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Standard output says that it is a terminal. */
  readonly terminal?: boolean;
  /** Told of everything on standard output when it comes. */
  readonly onOut?: (text: string) => void;
}

/** Runs one of our programs in this process, off a terminal. */
export async function runProgramForTest(
  program: Program,
  argv: readonly string[],
  input: ProgramInput = {},
): Promise<Ran> {
  const chunks: { readonly out: Uint8Array[]; readonly err: Uint8Array[] } = { out: [], err: [] };
  const sink = (name: 'out' | 'err') => ({
    write: async (data: string | Uint8Array) => {
      const chunk = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data);
      chunks[name].push(chunk);
      if (name === 'out') input.onOut?.(chunk.toString());
    },
  });
  const io: Io = {
    argv,
    stdin: Readable.from(input.stdin === undefined ? [] : [Buffer.from(input.stdin)]),
    stdout: { ...sink('out'), ...(input.terminal === true && { isTTY: true }) },
    stderr: sink('err'),
    env: input.env ?? {},
    cwd: '/',
    signal: input.signal ?? new AbortController().signal,
    onSignal: () => ({ [Symbol.dispose]: () => {} }),
  };
  const code = await runProgram(program, io);
  return { code, out: Buffer.concat(chunks.out).toString(), err: Buffer.concat(chunks.err).toString() };
}
