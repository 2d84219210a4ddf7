#!/bin/sh
# Runs what the host sends: a line is `ID SECONDS SCRIPT`, the answer `done ID CODE STDOUT STDERR .`, both with base64. Several
# scripts may run at once. What a script writes to /dev/ttyS2 reaches the host at once, line by line.
stty raw -echo < /dev/ttyS2
exec 3<>/dev/ttyS1
stty raw -echo <&3
cd /
echo ready >&3
while IFS=' ' read -r id seconds script <&3; do
  (
    here=$(mktemp -d /run/vm-agent.XXXXXX)
    printf %s "$script" | base64 -d > "$here/script"
    timeout -k 5 "$seconds" sh "$here/script" > "$here/out" 2> "$here/err" < /dev/null
    code=$?
    {
      printf 'done %s %s ' "$id" "$code"
      base64 -w0 "$here/out"
      printf ' '
      base64 -w0 "$here/err"
      printf ' .\n'
    } > "$here/answer"
    flock /run/vm-agent.lock cat "$here/answer" >&3
    rm -rf "$here"
  ) &
done
