import type { Command } from './command.ts';
import { type Dialect, shownNames } from './dialect.ts';
import { dockerCommandHelp, dockerProgramHelp, dockerUsage } from './docker-help.ts';
import { Exit } from './io.ts';
import { parsePosixFlags } from './posix-flags.ts';
import { suggest } from './suggest.ts';

/** What docker ends with when it could not read its command line. */
const usageExit = 125;

/** POSIX's flags, docker's help, and docker's words and exit codes for what it does not understand. */
export const dockerDialect: Dialect = {
  parse: parsePosixFlags,
  persistentGlobals: true,
  programHelp: dockerProgramHelp,
  commandHelp: dockerCommandHelp,
  flagFault: async ({ message }, path) => new Exit(usageExit, `${message}\nSee '${path} --help'.`),
  unknownCommand: (path, commands, word) => {
    const program = path.split(' ')[0] ?? '';
    const meant = suggest(word, shownNames(commands));
    const hint = meant === undefined ? '' : `\n\nDid you mean this?\n\t${meant}\n`;
    if (path === program)
      return new Exit(1, `${path}: '${word}' is not a ${program} command.\nSee '${path} --help'${hint}`);
    return new Exit(1, `${program}: unknown command: '${path} ${word}'\nSee '${path} --help'${hint}`);
  },
  arityFault: (command, path, args) => {
    const wanted = wantedWords(command, args.length);
    if (wanted === undefined) return undefined;
    const usage = dockerUsage(command, path);
    return new Exit(1, `"${path}" ${wanted}.\nSee '${path} --help'.\n\nUsage:  ${usage}\n\n${command.summary}`);
  },
};

/** docker's words for how many arguments a command takes; undefined when they are as many. */
function wantedWords({ arity: [fewest, most] }: Command, count: number): string | undefined {
  if (count >= fewest && count <= most) return undefined;
  const arguments_ = (n: number) => `${n} argument${n === 1 ? '' : 's'}`;
  if (most === 0) return 'accepts no arguments';
  if (fewest === most) return `requires exactly ${arguments_(fewest)}`;
  if (count < fewest) return `requires at least ${arguments_(fewest)}`;
  return fewest === 0
    ? `requires at most ${arguments_(most)}`
    : `requires at least ${fewest} and at most ${arguments_(most)}`;
}
