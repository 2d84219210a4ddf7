# What the walks check with; they read this file. One line per check: "ok NAME", or "not ok NAME" with what came instead.
# Needs WORK, a directory. What is counted is in $failed.
failed=0
own='' # the walk's functions that limit themselves

# limited COMMAND...: runs it for a minute at most; functions of this script limit themselves
limited() { case " $own " in *" $1 "*) "$@" ;; *) timeout -k 2 60 "$@" ;; esac; }
# not_ok WHAT OUTPUT: counts a failure and says what came, in one line; of much, the end
not_ok() {
  echo "not ok $1, got: $(printf '%s' "$2" | tail -c 800 | tr '\n' '~')"
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
