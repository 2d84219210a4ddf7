import { type Place, shellQuoted, walk, wish } from './completion-places.ts';

export function zshScript(name: string, places: readonly Place[]): string {
  const described = (word: string, help: string) => shellQuoted(`${word.replaceAll(':', '\\:')}:${help}`);
  const cases = places.map(({ path, commands, flags }) => {
    const words = commands.map((one) => described(one.name, one.summary));
    const options = flags.flatMap(({ spellings, help }) => spellings.map((one) => described(one, help)));
    return `  ${shellQuoted(path)}) inner=(${words.join(' ')}); switches=(${options.join(' ')}) ;;`;
  });
  return `#compdef ${name}
# zsh completion for ${name}; \`${name} completion zsh\` prints it
_berth_${name}() {
  emulate -L zsh
  local at=${name} word flagged= want= cur=$words[CURRENT] i n=0
  local -a inner switches names
${walk(places, 'words', 'CURRENT', 2)}
  if [[ -z $flagged && $cur == --*=* ]]; then
    word=\${cur%%=*}
    flagged="$at \${word#-}"
    compset -P '*='
  fi
${wish(places, '$cur')}
  case $want in
  '') ;;
  files) _files; return ;;
  directories) _files -/; return ;;
  *)
    names=(\${(f)"$($words[1] __names $want "\${(@)words[2,CURRENT-1]}" 2> /dev/null < /dev/null)"})
    names=(\${\${(M)names:#=*}#=})
    compadd -a names
    return
    ;;
  esac
  if [[ -n $flagged ]]; then
    _files
    return
  fi
  if ((n == 0)); then
    case $at in
${cases.join('\n')}
    esac
  fi
  if [[ $cur == -* && $#switches -gt 0 ]]; then
    _describe -o option switches
  elif (( $#inner )); then
    _describe command inner
  else
    _files
  fi
}
if [[ $funcstack[1] == _${name} ]]; then
  _berth_${name} "$@"
else
  compdef _berth_${name} ${name}
fi
`;
}
