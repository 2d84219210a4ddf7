import { type Place, shellQuoted, steps, wishes } from './completion-places.ts';

/** Where the cursor is, is found out once for every change of the line: fish asks for each of a thousand candidates. */
export function fishScript(name: string, places: readonly Place[]): string {
  const { valued, inner } = steps(places);
  const { args } = wishes(places);
  const leaves = places.filter(({ commands }) => commands.length === 0).map(({ path }) => path);
  const lines = places.flatMap(({ path, commands, flags }) => {
    const here = `complete -c ${name} -n ${fishQuoted(`__berth_${name}_is "${path}"`)}`;
    return [
      ...commands.map((one) => `${here} -f -a ${one.name} -d ${fishQuoted(one.summary)}`),
      ...flags.map(({ spellings, help, takesValue, completes }) => {
        const options = spellings.map((one) => (one.startsWith('--') ? `-l ${one.slice(2)}` : `-s ${one.slice(1)}`));
        return `${here} ${options.join(' ')}${takesValue ? wordsFor(name, completes) : ''} -d ${fishQuoted(help)}`;
      }),
    ];
  });
  const arguments_ = [...args].flatMap(([kind, found]) =>
    kind === 'files' || kind === 'directories'
      ? []
      : found.map(({ path, at, further }) => {
          const wanted = further && at === 0 ? `"${path}"` : `"${path}" ${at}`;
          return `complete -c ${name} -n ${fishQuoted(`__berth_${name}_argument ${wanted}`)} -f -a '(__berth_${name}_names ${kind})'`;
        }),
  );
  return `# fish completion for ${name}; \`${name} completion fish\` prints it
function __berth_${name}_look
  set -l line (commandline -opc)
  test "$line" = "$__berth_${name}_line" -a -n "$__berth_${name}_at"; and return
  set -g __berth_${name}_line "$line"
  set -g __berth_${name}_at ${name}
  set -g __berth_${name}_n 0
  set -l skip 0
  for token in $line[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    if test $__berth_${name}_n -gt 0
      set __berth_${name}_n (math $__berth_${name}_n + 1)
      continue
    end
    switch "$__berth_${name}_at "(string replace -r '^--' '-' -- $token)
      case ${valued.map(({ pattern }) => shellQuoted(pattern)).join(' ')}
        set skip 1
${inner.map(({ to, from }) => `      case ${from.map(shellQuoted).join(' ')}\n        set __berth_${name}_at ${shellQuoted(to)}`).join('\n')}
      case '* -?*'
      case ${leaves.map((path) => shellQuoted(`${path} *`)).join(' ')}
        set __berth_${name}_n 1
      case '*'
        set __berth_${name}_at none
        return
    end
  end
end
function __berth_${name}_is
  __berth_${name}_look
  test "$__berth_${name}_at" = "$argv[1]" -a $__berth_${name}_n = 0
end
function __berth_${name}_argument
  __berth_${name}_look
  test "$__berth_${name}_at" = "$argv[1]"; or return 1
  test (count $argv) -lt 2; or test $__berth_${name}_n = $argv[2]
end
function __berth_${name}_names
  set -l line (commandline -opc)
  $line[1] __names $argv[1] $line[2..-1] 2> /dev/null < /dev/null | string replace -rf '^=' ''
end
${[...lines, ...arguments_].join('\n')}
`;
}

/** fish's options for what a flag takes. */
function wordsFor(name: string, kind: string | undefined): string {
  if (kind === undefined || kind === 'files') return ' -r';
  if (kind === 'directories') return " -x -a '(__fish_complete_directories)'";
  return ` -x -a '(__berth_${name}_names ${kind})'`;
}

const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
