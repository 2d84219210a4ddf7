import { ctr } from '#cmd/ctr/program';
import { type ProgramInput, type Ran, runProgramForTest } from './run-program.ts';

export type { ProgramInput as CtrInput, Ran } from './run-program.ts';

/** Runs our ctr in this process, off a terminal. */
export const runCtr = (argv: readonly string[], input: ProgramInput = {}): Promise<Ran> =>
  runProgramForTest(ctr, argv, input);
