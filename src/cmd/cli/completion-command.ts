import { anyArity, type Command, type Program, wholeProgram } from './command.ts';
import { completion, type Shell, shells } from './completion.ts';
import { Exit } from './io.ts';

/** `completion bash`: prints the script. The program is asked for when it is made already. */
export const completionCommand = (name: string, program: () => Program): Command => ({
  name: 'completion',
  aliases: [],
  summary: 'print a script that completes commands, flags and names in a shell',
  args: shells.join('|'),
  description: `In bash: source <(${name} completion bash).\n   In zsh, after compinit: source <(${name} completion zsh).\n   In fish: ${name} completion fish | source.`,
  flags: {},
  completes: ['shells'],
  hidden: false,
  arity: anyArity,
  interspersed: false,
  commands: [],
  run: async ({ io, args: [shell = '', ...more] }) => {
    if (!shells.includes(shell as Shell) || more.length > 0)
      throw new Exit(1, `${name} completion: wanted one of ${shells.join(', ')}`);
    await io.stdout.write(completion(await wholeProgram(program()), shell as Shell));
    return 0;
  },
});
