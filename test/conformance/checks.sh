# What the walks check with; they read this file. One line per check: "ok NAME", or "not ok NAME" with what came instead.
# Needs WORK, a directory. What is counted is in $failed.
failed=0
own='' # the walk's functions that limit themselves

# limited COMMAND...: runs it for a minute at most; functions of this script limit themselves
limited() { case " $own " in *" $1 "*) "$@" ;; *) timeout -k 2 60 "$@" ;; esac; }
# not_ok WHAT OUTPUT: counts a failure and says what came, in one line; of much, the end
not_ok() {
  echo "not ok $(printf '%s' "$1" | tr '\n' ' '), got: $(printf '%s' "$2" | tail -c 800 | tr '\n' '~')"
  failed=$((failed + 1))
}
# check NAME PATTERN COMMAND...: the command succeeds and its output matches the pattern
check() {
  name=$1 pattern=$2
  shift 2
  out=$(limited "$@" 2>&1) && printf '%s\n' "$(printf '%s' "$out" | tr '\n' '~')" | grep -Eq -- "$pattern" && { echo "ok $name"; return; }
  not_ok "$name: wanted $pattern from '$*'" "$out"
}
# refuse NAME PATTERN COMMAND...: the command fails and says why
refuse() {
  name=$1 pattern=$2
  shift 2
  if out=$(limited "$@" 2>&1); then out="success, and: $out"; elif printf '%s' "$out" | grep -Eq -- "$pattern"; then echo "ok $name"; return; fi
  not_ok "$name: wanted a failure with $pattern from '$*'" "$out"
}
# code NAME CODE COMMAND...: the command ends with that exit code
code() {
  name=$1 want=$2
  shift 2
  limited "$@" > "$WORK/out" 2>&1
  got=$?
  [ $got = "$want" ] && { echo "ok $name"; return; }
  not_ok "$name: wanted exit code $want, got $got" "$(cat "$WORK/out")"
}
# on_terminal LINES COMMAND [PROMPT]: types the lines at a command that runs on a pseudo-terminal of 40 rows and 100 columns, when it has
# shown its prompt; a shell drops what was typed before
on_terminal() {
  : > "$WORK/typescript"
  printf '%b' "$1" | (
    for _ in $(seq 200); do
      grep -q -- "${3-# }" "$WORK/typescript" && break
      sleep 0.1
    done
    sleep 1
    while IFS= read -r line; do
      printf '%s\n' "$line"
      sleep 0.7
    done
    sleep 1.5
  ) | timeout 60 script -fqec "stty rows 40 cols 100; $2" "$WORK/typescript"
}
