import { type Place, shellQuoted, walk, wish } from './completion-places.ts';

/** The words are cut out of the line, at its spaces: bash's own would be cut at colons and equals signs, too. */
export function bashScript(name: string, places: readonly Place[]): string {
  const cases = places.map(({ path, commands, flags }) => {
    const words = commands.map((one) => one.name).join(' ');
    const spellings = flags.flatMap((flag) => flag.spellings).join(' ');
    return `  ${shellQuoted(path)}) words=${shellQuoted(words)} flags=${shellQuoted(spellings)} ;;`;
  });
  return `# bash completion for ${name}; \`${name} completion bash\` prints it
_berth_${name}() {
  local line=\${COMP_LINE:0:COMP_POINT} at=${name} flagged= want= words= flags= word cur prefix reply i n=0 c
  local -a w
  read -ra w <<< "$line"
  [[ -z $line || $line == *[[:space:]] ]] && w+=('')
  c=$((\${#w[@]} - 1)) cur=\${w[c]} COMPREPLY=()
${walk(places, 'w', 'c', 1)}
  if [[ -z $flagged && $cur == --*=* ]]; then
    word=\${cur%%=*} flagged="$at \${word#-}" cur=\${cur#*=}
  fi
${wish(places, '$cur')}
  if [[ -z $flagged ]] && ((n == 0)); then
    case $at in
${cases.join('\n')}
    esac
    [[ $cur == -* ]] && words=$flags
  fi
  case $want in
  '' | files | directories) ;;
  *)
    # Not for compgen, which would expand what is in a name.
    while read -r reply; do
      [[ $reply == ="$cur"* ]] && COMPREPLY+=("\${reply#=}")
    done < <("\${w[0]}" __names "$want" "\${w[@]:1:c-1}" 2> /dev/null < /dev/null)
    ;;
  esac
  if [[ $want == directories ]]; then
    COMPREPLY=($(compgen -d -- "$cur"))
    return
  fi
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
  # What bash takes for a word of its own is not to be given again.
  prefix=\${cur%"\${cur##*[:=]}"}
  for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=\${COMPREPLY[i]#"$prefix"}; done
}
complete -o bashdefault -o default -F _berth_${name} ${name}
`;
}
