import { messageOf } from '#base/errors';
import { Exit } from '../../cli/io.ts';
import { said } from '../words.ts';

/** What docker ends with when a process could not be started: it is not there, it cannot be executed, or something else is wrong. */
export const notFoundExit = 127;
export const notExecutableExit = 126;
export const engineExit = 125;

/** The failure of a start as a program's end. An end that is decided already is left. */
export function startFailure(thrown: unknown, globals: Parameters<typeof said>[1], otherwise = engineExit): Exit {
  if (thrown instanceof Exit) return thrown;
  return new Exit(startExitCode(messageOf(thrown), otherwise), said(thrown, globals));
}

/** By what the runtime says. */
export function startExitCode(message: string, otherwise = engineExit): number {
  if (/executable file not found|exec:? .*no such file or directory|stat .*no such file or directory/.test(message))
    return notFoundExit;
  if (/exec:? .*(permission denied|is a directory|exec format error)/.test(message)) return notExecutableExit;
  return otherwise;
}
