import type { WholeProgram } from './command.ts';
import { bashScript } from './completion-bash.ts';
import { fishScript } from './completion-fish.ts';
import { placesOf } from './completion-places.ts';
import { zshScript } from './completion-zsh.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/**
 * A script that completes a program's commands and flags; made of the commands' definitions. Where a name is wanted that only the program
 * knows, the script calls the program's hidden command `__names`, which has a second to answer.
 */
export function completion(program: WholeProgram, shell: Shell): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](program.name, placesOf(program));
}

/** Marks the lines that `__names` prints: what another program of the same name says to a command that it does not know is no name. */
export const nameMark = '=';
