#!/bin/sh
# Drives the commands that users of ctr type, with the client named by CTR against the daemon at CONTAINERD_ADDRESS, and checks what
# they print. One line per check: "ok NAME" or "not ok NAME" with what came instead. Needs:
#   CTR       the client          ARCHIVE  an archive with docker.io/library/nginx:alpine for linux/amd64 and linux/arm64
#   MIRROR    a registry that stands for docker.io, http://host:port    PRIVATE  one that wants user:secret, host:port
#   WORK      an empty directory  RESTART  a command that restarts the daemon; empty to leave that out
#   SHIM      the file that the containers' shims must run
#   CLIENT, DAEMON   whose programs these are: berth, or a version of containerd
set -u
# Container ids must be this run's own: runtimes keep theirs by name for the whole machine.
p=c$$-
image=docker.io/library/nginx:alpine
hosts=$WORK/certs.d
mkdir -p "$hosts/docker.io" "$WORK/mnt"
printf 'server = "%s"\n[host."%s"]\n  capabilities = ["pull", "resolve", "push"]\n' "$MIRROR" "$MIRROR" > "$hosts/docker.io/hosts.toml"

. "$(dirname "$0")/checks.sh"
own='shell_on_terminal events_of_a_run'

# until_status ID STATUS: waits until the task list says so
until_status() {
  for _ in $(seq 200); do
    $CTR task ls | grep -Eq "^$1 +[0-9]+ +$2" && return
    sleep 0.2
  done
}
# until_event PATTERN COMMAND: runs the command again and again until there is such an event, ten seconds at most
until_event() {
  for _ in $(seq 50); do
    $2
    grep -q "$1" "$WORK/events" && return
    sleep 0.2
  done
}
announced() { $CTR ns create probe && $CTR ns rm probe; } > /dev/null
# events_of_a_run: prints them. A shim of containerd may be shut down before it has told of a deletion: then there is another run.
events_of_a_run() {
  for n in 1 2 3; do
    : > "$WORK/events"
    timeout 60 $CTR events > "$WORK/events" &
    listener=$!
    until_event /namespaces/create announced
    timeout 30 $CTR run --rm $image ${p}ev$n true
    until_event "/containers/delete.*${p}ev$n" true
    until_event "/tasks/delete.*${p}ev$n" true
    kill $listener
    wait $listener
    case $SHIM in */usr/bin/*) grep -q "/tasks/delete.*${p}ev$n" "$WORK/events" && break ;; *) break ;; esac
  done
  cat "$WORK/events"
}
shell_on_terminal() { on_terminal "$1" "$CTR $2"; }

# What clients and daemons tell in their own ways.
pushed='done' unpacked="unpacking $image \\(sha256:[0-9a-f]{64}\\)\\.\\.\\.done" exported='^$'
pulled="$image:.*resolved.*manifest-sha256:[0-9a-f]{64}:.*done.*elapsed:.*total:.*unpacking linux/amd64 sha256:[0-9a-f]{64}\\.\\.\\.~done: "
blobs='config-sha256:' pulled_again="$image.*(exists|done)" pulled_arm='unpacking linux/arm64' pulled_all='done: '
case $CLIENT in
  2.*) # a tree of what the daemon tells, as far as it has heard of it when the transfer is over
    name="$(printf '%s' $image | cut -c 1-39)[^~]*"
    unpacked='Import' pushed='pushing content|pushed' exported='' pulled="$name.*from OCI Registry"
    blobs='saved|config ' pulled_again="$name(saved|.*exists)" pulled_arm="$name" pulled_all='saved|manifest .*manifest '
    ;;
esac
case $DAEMON in
  2.*) absent=io.containerd.snapshotter.v1.*blockfile ;; # this one has no aufs
  *) absent=io.containerd.snapshotter.v1.*aufs ;;
esac

# the daemon and the client
check version 'Client:.*Version:.*Server:.*Version:.*Revision:.*UUID:' $CTR version
check plugins 'TYPE +ID +PLATFORMS +STATUS.*io.containerd.content.v1 +content +- +ok' $CTR plugin ls
check plugin-skipped "$absent +linux/amd64 +skip" $CTR plugin ls
check plugin-ok 'io.containerd.snapshotter.v1 +overlayfs +linux/amd64 +ok' $CTR plugin ls
check plugin-details 'Type: +io.containerd.snapshotter.v1.*ID: +devmapper.*Error:.*Message:.*devmapper not configured' $CTR plugin ls -d id==devmapper
refuse absent-daemon 'nothing-there.sock' $CTR -a /nothing-there.sock --connect-timeout 2s version

# images: archive, registry, tags
check import "$unpacked" $CTR image import --all-platforms "$ARCHIVE"
check push-all "$pushed" $CTR image push --hosts-dir "$hosts" $image
check image-ls "REF +TYPE +DIGEST +SIZE +PLATFORMS +LABELS.*$image +application/vnd.oci.image.index.v1\\+json +sha256:[0-9a-f]{64} +[0-9.]+ [KM]iB +linux/amd64,linux/arm64 +-" $CTR image ls
check image-ls-q "^$image~?\$" $CTR image ls -q
check image-rm-sync "^$image~?\$" $CTR image rm --sync $image
check nothing-left '^KEY +PARENT +KIND *~?$' $CTR snapshots ls
check nothing-left-of-content '^$' $CTR content ls -q
check pull "$pulled" $CTR image pull --hosts-dir "$hosts" $image
check pull-blobs "$blobs" $CTR image pull --hosts-dir "$hosts" $image
check pull-again "$pulled_again" $CTR image pull --hosts-dir "$hosts" $image
check pull-platform "$pulled_arm" $CTR image pull --hosts-dir "$hosts" --platform linux/arm64 $image
check pull-all "$pulled_all" $CTR image pull --hosts-dir "$hosts" --all-platforms $image
check image-check "REF +TYPE +DIGEST +STATUS +SIZE +UNPACKED.*$image.*complete \\([0-9]+/[0-9]+\\) +[0-9.]+ [KM]iB/[0-9.]+ [KM]iB +true" $CTR image check
check tag "^$PRIVATE/lib/nginx:1~?\$" $CTR image tag $image $PRIVATE/lib/nginx:1
case $CLIENT in
  2.*) check tag-again "^$PRIVATE/lib/nginx:1~?\$" $CTR image tag $image $PRIVATE/lib/nginx:1 ;; # replaces what is there
  *) refuse tag-exists 'already exists' $CTR image tag $image $PRIVATE/lib/nginx:1 ;;
esac
refuse push-as-nobody '401 Unauthorized|authorization|unauthorized' $CTR image push --plain-http $PRIVATE/lib/nginx:1
check push-private "$pushed" $CTR image push --plain-http --user user:secret $PRIVATE/lib/nginx:1
check rm-tag "^$PRIVATE/lib/nginx:1~?\$" $CTR image rm $PRIVATE/lib/nginx:1
check pull-private "$pulled_all" $CTR image pull --plain-http --user user:secret $PRIVATE/lib/nginx:1
refuse pull-absent 'not found' $CTR image pull --hosts-dir "$hosts" docker.io/library/nothing:latest
check label 'color=blue' $CTR image label $image color=blue
check export "$exported" $CTR image export --all-platforms "$WORK/nginx.tar.gz" $image
check export-piped 'blobs/sha256/.*index.json|index.json.*blobs/sha256/' sh -c "$CTR image export - $image | tar -t"
check import-elsewhere 'nginx:alpine' $CTR -n test image import --all-platforms "$WORK/nginx.tar.gz"
check namespaces-apart "$image" $CTR -n test image ls
layer=$($CTR -n test content ls | awk '/containerd.io\/uncompressed/ {print $1; exit}')
check content-rm "$layer" $CTR -n test content rm "$layer"
refuse export-incomplete 'content digest sha256:[0-9a-f]{64}: not found' $CTR -n test image export --all-platforms "$WORK/broken.tar" $image
check image-incomplete 'incomplete \([0-9]+/[0-9]+\)' $CTR -n test image check
check mount "$WORK/mnt" $CTR image mount $image "$WORK/mnt"
check mounted 'busybox' ls "$WORK/mnt/bin"
refuse mounted-read-only 'Read-only' touch "$WORK/mnt/file"
check unmount "$WORK/mnt" $CTR image unmount --rm "$WORK/mnt"
check unmounted '^$' ls "$WORK/mnt"

# containers and tasks
check create '^$' $CTR container create $image ${p}nginx sleep 1000
check container-ls "CONTAINER +IMAGE +RUNTIME.*${p}nginx +$image +io.containerd.runc.v2" $CTR container ls
check container-ls-q "^${p}nginx~?\$" $CTR container ls -q
check container-info '"ID": "[^"]*nginx".*"Labels".*"Image".*"Runtime": .*"Name": "io.containerd.runc.v2".*"SnapshotKey": "[^"]*nginx".*"Snapshotter": "overlayfs".*"CreatedAt".*"UpdatedAt".*"Extensions".*"Spec".*"ociVersion"' $CTR container info ${p}nginx
refuse create-twice 'already exists' $CTR container create $image ${p}nginx
check start '^$' $CTR task start -d ${p}nginx
until_status ${p}nginx RUNNING
check task-ls 'TASK +PID +STATUS.*nginx +[0-9]+ +RUNNING' $CTR task ls
check shim "^$SHIM~?\$" sh -c "pgrep -f -- '-address $CONTAINERD_ADDRESS' | sed 's,.*,/proc/&/exe,' | xargs readlink | grep shim | sort -u"
refuse rm-running 'non stopped|running' $CTR container rm ${p}nginx
check ps 'PID +INFO~[0-9]+ +-' $CTR task ps ${p}nginx
check metrics 'ID +TIMESTAMP.*METRIC +VALUE.*memory.usage_in_bytes +[0-9]+.*cpuacct.usage +[0-9]+.*pids.current +1' $CTR task metrics ${p}nginx
check exec '^uid=0' $CTR task exec --exec-id e1 ${p}nginx id
code exec-code 7 $CTR task exec --exec-id e2 ${p}nginx sh -c 'exit 7'
check exec-user '^1000' $CTR task exec --exec-id e3 --user 1000 ${p}nginx id -u
# Debian's ctr never tells of the end of an input that ends before the process has started: give it time.
check exec-stdin '^a line' sh -c "(echo a line; sleep 2) | $CTR task exec --exec-id e4 ${p}nginx cat"
check exec-terminal '40 100.*is 42' shell_on_terminal 'stty size\necho is $((6 * 7))\nexit\n' "task exec --exec-id 0 -t ${p}nginx sh"
check pause '^$' $CTR task pause ${p}nginx
check paused 'nginx +[0-9]+ +PAUSED' $CTR task ls
check resume '^$' $CTR task resume ${p}nginx
check resumed 'nginx +[0-9]+ +RUNNING' $CTR task ls
if [ -n "$RESTART" ]; then
  check restart '' $RESTART
  check survives 'nginx +[0-9]+ +RUNNING' $CTR task ls
  check exec-after-restart '^hello' $CTR task exec --exec-id e5 ${p}nginx echo hello
fi
check kill '^$' $CTR task kill -s SIGKILL -a ${p}nginx
until_status ${p}nginx STOPPED
check stopped 'nginx +[0-9]+ +STOPPED' $CTR task ls
check task-rm '' $CTR task rm ${p}nginx
check container-rm '^$' $CTR container rm ${p}nginx
refuse gone 'not found' $CTR container info ${p}nginx
check run '^hello' $CTR run --rm $image ${p}r1 echo hello
code run-code 3 $CTR run --rm $image ${p}r2 sh -c 'exit 3'
check run-stdin '^from stdin' sh -c "(echo from stdin; sleep 2) | $CTR run --rm $image ${p}r3 cat"
check run-terminal '40 100.*is 42' shell_on_terminal 'stty size\necho is $((6 * 7))\nexit\n' "run --rm -t $image ${p}r4 sh"
check run-flags '^/tmp~v' $CTR run --rm --cwd /tmp --env K=v $image ${p}r5 sh -c 'pwd; echo $K'
check run-mount '^seen' sh -c "echo seen > $WORK/seen; $CTR run --rm --mount type=bind,src=$WORK,dst=/host,options=rbind:ro $image ${p}r6 cat /host/seen"
check run-read-only 'Read-only' $CTR run --rm --read-only $image ${p}r7 sh -c 'touch /x 2>&1; true'
check run-detached '^$' $CTR run -d --memory-limit 52428800 $image ${p}r8 sleep 1000
check memory-limit '^52428800' cat "/sys/fs/cgroup/memory/default/${p}r8/memory.limit_in_bytes"
check kill-and-rm '' $CTR task rm -f ${p}r8
check rm-detached '^$' $CTR container del ${p}r8
check no-cgroup '^$' sh -c "ls -d /sys/fs/cgroup/*/default/${p}r8 2>/dev/null; true"

# namespaces, leases, content, snapshots, events
check ns-create '^$' $CTR ns create other label=one
check ns-ls 'NAME +LABELS.*default.*other +label=one' $CTR ns ls
check ns-label '^$' $CTR ns label other label=two
refuse ns-rm-full 'must be empty|failed precondition' $CTR ns rm test
check ns-rm '^other' $CTR ns rm other
check lease-create '^mine' $CTR leases create --id mine
check lease-ls 'ID +CREATED AT +LABELS.*mine +[0-9T:Z.-]+ +containerd.io/gc.expire=' $CTR leases ls
check lease-rm '^mine' $CTR leases delete mine
# The collection that the lease's end made due must be over: nothing refers to what comes now. This one waits until none is due.
{ $CTR leases create --id other && $CTR leases delete --sync other; } > /dev/null
digest=$(printf 'some bytes' | sha256sum | cut -d' ' -f1)
check ingest '^$' sh -c "printf 'some bytes' | $CTR content ingest --expected-size 10 --expected-digest sha256:$digest key1"
check content-get '^some bytes' $CTR content get sha256:$digest
refuse ingest-wrong 'unexpected commit|failed precondition' sh -c "printf 'others' | $CTR content ingest --expected-digest sha256:$(printf x | sha256sum | cut -d' ' -f1) key2"
check active 'REF.*key2' $CTR content active
check content-ls "DIGEST.*SIZE.*AGE.*LABELS.*sha256:[0-9a-f]{64}" $CTR content ls
top=$($CTR snapshots ls | awk '/Committed/ {print $1; exit}')
check snapshot-prepare "mount -t (overlay|bind) .* /mnt" $CTR snapshots prepare -t /mnt work1 "$top"
check snapshot-ls "KEY +PARENT +KIND.*work1 +$top +Active" $CTR snapshots ls
check snapshot-tree "$top~.*work1" $CTR snapshots tree
check snapshot-mounts 'mount -t .* /mnt -o' $CTR snapshots mounts /mnt work1
check snapshot-info '"Kind": "Active".*"Name": "work1"' $CTR snapshots info work1
check snapshot-usage 'KEY +SIZE +INODES.*work1' $CTR snapshots usage work1
check snapshot-diff '' sh -c "$CTR snapshots diff $top | tar -tz"
check snapshot-commit '^$' $CTR snapshots commit done1 work1
check snapshot-child '^$' $CTR snapshots prepare child1 done1
refuse snapshot-rm-parent 'failed precondition' $CTR snapshots rm done1
check snapshot-view '^$' $CTR snapshots view look1 done1
$CTR snapshots rm look1 2> /dev/null # nothing holds a view: it may be collected already
check snapshot-rm '^$' $CTR snapshots rm child1 done1
check events '/containers/create.*/tasks/create.*/tasks/start.*/tasks/exit.*/tasks/delete.*/containers/delete' events_of_a_run

# leave nothing
for namespace in default test; do
  $CTR -n $namespace image ls -q | xargs -r $CTR -n $namespace image rm --sync > /dev/null
  $CTR -n $namespace content ls -q | xargs -r $CTR -n $namespace content rm > /dev/null
done
check empty '^KEY +PARENT +KIND *~?$' $CTR snapshots ls
exit $((failed > 0))
