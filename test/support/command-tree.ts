/** A flag as a program's help shows it. */
interface ShownFlag {
  /** With their dashes. */
  readonly spellings: readonly string[];
  readonly takesValue: boolean;
  /** Empty: none, or false. */
  readonly default: string;
  /** The variable that supplies it; empty: none. */
  readonly env: string;
}

interface ShownCommand {
  /** `images pull`; empty for the program itself. */
  readonly path: string;
  readonly aliases: readonly string[];
  readonly flags: readonly ShownFlag[];
}

/** Prints a program's help: `help(['images', 'pull'])`. */
export type Help = (path: readonly string[]) => Promise<string>;

/** Everything that a program's help tells of its commands, by path. Calls `help` once per command. */
export async function commandTree(help: Help): Promise<ReadonlyMap<string, ShownCommand>> {
  const tree = new Map<string, ShownCommand>();
  const visit = async (path: readonly string[], aliases: readonly string[]): Promise<void> => {
    const { COMMANDS: commands = [], OPTIONS: own = [], 'GLOBAL OPTIONS': globals = [] } = sections(await help(path));
    const flags = [...own, ...globals].filter((line) => line.startsWith('   -')).map(readFlag);
    tree.set(path.join(' '), { path: path.join(' '), aliases, flags });
    for (const line of commands.filter((one) => /^ {3}\S/.test(one))) {
      const [name = '', ...more] = left(line).split(', ');
      if (name !== 'help') await visit([...path, name], more);
    }
  };
  await visit([], []);
  return tree;
}

/** What one program's tree has and the other's has not, or has otherwise: a line for each. */
export function lacking(
  theirs: ReadonlyMap<string, ShownCommand>,
  ours: ReadonlyMap<string, ShownCommand>,
): readonly string[] {
  return [...theirs.values()].flatMap((wanted) => {
    const has = ours.get(wanted.path);
    if (has === undefined) return [`${wanted.path}: no such command`];
    return [
      ...wanted.aliases.filter((one) => !has.aliases.includes(one)).map((one) => `${wanted.path}: no alias ${one}`),
      ...wanted.flags.flatMap((flag) => lackingOf(flag, has.flags).map((what) => `${wanted.path}: ${what}`)),
    ];
  });
}

function lackingOf(wanted: ShownFlag, ours: readonly ShownFlag[]): readonly string[] {
  const [name = ''] = wanted.spellings;
  const has = ours.find(({ spellings }) => spellings.includes(name));
  if (has === undefined) return [`no flag ${name}`];
  return [
    ...wanted.spellings.filter((one) => !has.spellings.includes(one)).map((one) => `${name} is not called ${one}`),
    ...(has.takesValue === wanted.takesValue ? [] : [`${name} ${wanted.takesValue ? 'takes no' : 'takes a'} value`]),
    ...(has.default === wanted.default ? [] : [`${name} is ${has.default || 'not set'}, not ${wanted.default}`]),
    ...(has.env === wanted.env ? [] : [`${name} is not read from ${wanted.env}`]),
  ];
}

/** The lines below each heading. */
function sections(help: string): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  let lines: string[] = [];
  for (const line of help.split('\n')) {
    const heading = /^([A-Z ]+):$/.exec(line)?.[1];
    if (heading !== undefined) lines = found[heading] ??= [];
    else lines.push(line);
  }
  return found;
}

/** What stands in the first column. */
const left = (line: string): string => line.trim().split(/ {2,}/)[0] ?? '';

function readFlag(line: string): ShownFlag {
  const words = left(line)
    .replace(/ \[.*\]$/, '')
    .split(', ');
  const value = [...line.matchAll(/\(default: ("[^"]*"|[^()]*)\)/g)].at(-1)?.[1] ?? '';
  return {
    spellings: words.map((word) => word.split(' ')[0] ?? ''),
    takesValue: words.some((word) => word.includes(' ')),
    default: value === 'false' ? '' : value.replaceAll('"', ''),
    env: /\[\$(\w+)\]$/.exec(line)?.[1] ?? '',
  };
}
