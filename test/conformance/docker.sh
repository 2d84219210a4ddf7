#!/bin/sh
# Drives dockerd, which has our daemon for its containerd, through what users of docker do, and checks what comes. Needs:
#   DOCKER    the command, with its --host       ROOTFS   a tar with busybox at /bin/busybox
#   REGISTRY  host:port of one that wants user:secret, as dockerd sees it    NETNS  a command that runs others in dockerd's network
#   RESTART, DOWN, UP   commands: restart our daemon; kill it with SIGKILL; start it again
#   CTR       a ctr that talks to our daemon     CGROUP   the parent group of all containers     WORK  an empty directory
#   DAEMON    whose containerd it is: berth, or a version   SHIM      the file that the containers' shims must run
set -u
. "$(dirname "$0")/checks.sh"
own="on_terminal eventually inspect dies shims"

# eventually PATTERN COMMAND...: runs it again and again until its output matches, for 20 s; prints the last output
eventually() {
  wanted=$1
  shift
  for _ in $(seq 80); do
    said=$(limited "$@" 2>&1 | tr '\n' '~')
    printf '%s' "$said" | grep -Eq -- "$wanted" && break
    sleep 0.25
  done
  printf '%s\n' "$said"
}
# inspect FIELDS NAME: some fields of a container, which are templates
inspect() { $DOCKER inspect -f "$1" "$2"; }
# dies NAME: how often the end of this container was told
dies() { grep -c "^die $1 " "$WORK/events"; }
# shims: the processes of our daemon's
shims() { pgrep -f -- "-namespace moby .*-address $CONTAINERD_ADDRESS" || true; }

timeout 600 $DOCKER events --format '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.execID}}' > "$WORK/events" &
listener=$!
export DOCKER_CONFIG=$WORK/config
mkdir -p "$DOCKER_CONFIG"

# images: from a tar, to a registry and back
case $DAEMON in berth) version=berth ;; *) version=$DAEMON ;; esac
check version "Client:.*Server:.*containerd:.*Version: +[^ ]*$version" $DOCKER version
if [ "$IMAGES" = containerd ]; then check image-store 'driver-type: io.containerd.snapshotter.v1' $DOCKER info; fi
check import '^sha256:[0-9a-f]{64}' $DOCKER import --change 'ENV PATH=/bin' --change 'CMD ["sh"]' "$ROOTFS" busybox:latest
refuse push-as-nobody 'authentication required|no basic auth|unauthorized|denied' sh -c "$DOCKER tag busybox $REGISTRY/lib/busybox:1 && $DOCKER push $REGISTRY/lib/busybox:1"
check login 'Login Succeeded' sh -c "printf secret | $DOCKER login -u user --password-stdin $REGISTRY"
check push 'digest: sha256:' $DOCKER push $REGISTRY/lib/busybox:1
check rmi 'Untagged' $DOCKER rmi -f $REGISTRY/lib/busybox:1 busybox
check pull "Downloaded newer image for $REGISTRY/lib/busybox:1" $DOCKER pull $REGISTRY/lib/busybox:1
check tag '^$' $DOCKER tag $REGISTRY/lib/busybox:1 busybox
check save-load 'Loaded image: busybox:latest' sh -c "$DOCKER save busybox > $WORK/saved.tar && $DOCKER load < $WORK/saved.tar"
check images 'busybox +latest' $DOCKER images

# run
check run '^hello$' $DOCKER run --rm busybox echo hello
code run-code 3 $DOCKER run --rm busybox sh -c 'exit 3'
code run-no-program 127 $DOCKER run --rm busybox /no/such/program
code run-not-executable 126 $DOCKER run --rm busybox /etc/passwd
check run-both-streams '^out~err~?$' sh -c "$DOCKER run --rm busybox sh -c 'echo err >&2; echo out' 2> $WORK/err; cat $WORK/err"
check run-stdin '^from stdin~?$' sh -c "echo from stdin | $DOCKER run --rm -i busybox cat"
check run-much-stdin '^20000000~?$' sh -c "head -c 20000000 /dev/zero | $DOCKER run --rm -i busybox wc -c"
check run-much-stdout '^20000000~?$' sh -c "$DOCKER run --rm busybox head -c 20000000 /dev/zero | wc -c"
check run-terminal '40 100.*is 42' on_terminal 'stty size\necho is $((6 * 7))\nexit\n' "$DOCKER run --rm -it busybox sh"
check run-terminal-only 'a tty' sh -c "$DOCKER run --rm -t busybox sh -c 'test -t 1 && echo a tty'"
check run-flags '^1000:100~/tmp~v~box~?$' $DOCKER run --rm -u 1000:100 -w /tmp -e K=v -h box busybox sh -c 'echo $(id -u):$(id -g); pwd; echo $K; hostname'
check run-read-only 'Read-only.*~yes' $DOCKER run --rm --read-only --tmpfs /run busybox sh -c 'touch /x 2>&1; touch /run/x && echo yes'
check run-volume '^one~two' sh -c "mkdir $WORK/v; echo one > $WORK/v/in; $DOCKER run --rm -v $WORK/v:/v -v named:/n busybox sh -c 'cat /v/in; echo two > /v/out; echo three > /n/kept'; cat $WORK/v/out"
check run-named-volume '^three' $DOCKER run --rm -v named:/n busybox cat /n/kept
check run-limits '^77~2048' $DOCKER run --rm --ulimit nofile=77 --cpu-shares 2048 busybox sh -c 'ulimit -n; cat /sys/fs/cgroup/cpu/cpu.shares'
check run-confined 'NoNewPrivs:.1~Seccomp:.2' $DOCKER run --rm --security-opt no-new-privileges busybox grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status
check run-capabilities 'CapEff:.0000000000000400' $DOCKER run --rm --cap-drop ALL --cap-add NET_BIND_SERVICE busybox grep CapEff /proc/self/status
# dockerd 20.10 asks for all capabilities that there are, which a machine whose root lacks some cannot give.
all=$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
case $($DOCKER version -f '{{.Server.Version}}')-$(sed -n 's/^CapBnd:.//p' /proc/self/status) in
  20.*-$all | [!2]* | 2[!0]*) check run-privileged '^ok' $DOCKER run --rm --privileged busybox sh -c 'mount -t tmpfs tmpfs /tmp && echo ok' ;;
  *) refuse run-privileged 'unable to apply caps: operation not permitted' $DOCKER run --rm --privileged busybox true ;;
esac
check run-device '^ok' $DOCKER run --rm --device /dev/full:/dev/mine busybox sh -c 'echo x > /dev/mine 2> /dev/null || echo ok'
check run-network-none '^lo~?$' $DOCKER run --rm --network none busybox ls /sys/class/net
check run-init 'ok' sh -c "command -v docker-init > /dev/null && $DOCKER run --rm --init busybox echo ok || echo ok"

# a service: limits, ports, execs, its life
check service '^[0-9a-f]{64}' $DOCKER run -d --name web -m 64m -p 127.0.0.1:18080:80 busybox sh -c 'echo page > /tmp/index.html; httpd -p 80 -h /tmp; trap "echo bye; exit 7" TERM; i=0; while :; do i=$((i + 1)); echo tick $i; sleep 0.2; done'
id=$($DOCKER inspect -f '{{.Id}}' web)
check shim "^$SHIM~?\$" sh -c "pgrep -f -- '-address $CONTAINERD_ADDRESS' | sed 's,.*,/proc/&/exe,' | xargs readlink | grep shim | sort -u"
check ps 'busybox.*Up.*127.0.0.1:18080->80/tcp.*web' $DOCKER ps
check port '80/tcp -> 127.0.0.1:18080' $DOCKER port web
check published '^page' eventually page $NETNS busybox wget -qO- http://127.0.0.1:18080/
check bridged '^page' $NETNS busybox wget -qO- "http://$($DOCKER inspect -f '{{.NetworkSettings.IPAddress}}' web)/"
check memory-cgroup '^67108864' cat "/sys/fs/cgroup/memory$CGROUP/$id/memory.limit_in_bytes"
check memory-inspect '^67108864' inspect '{{.HostConfig.Memory}}' web
check memory-stats 'web.* / 64MiB' $DOCKER stats --no-stream web
check memory-update '^134217728' sh -c "$DOCKER update -m 128m --memory-swap 256m web > $WORK/out && cat /sys/fs/cgroup/memory$CGROUP/$id/memory.limit_in_bytes"
check top 'PID.*httpd' $DOCKER top web
check logs 'tick 1~tick 2~' $DOCKER logs web
check logs-tail '^tick [0-9]+~?$' $DOCKER logs --tail 1 web
check exec '^in it' $DOCKER exec web echo in it
code exec-code 9 $DOCKER exec web sh -c 'exit 9'
refuse exec-no-program 'no such file' $DOCKER exec web /no/such/program # dockerd 20.10 ends with 126, 28.5 with 127
check exec-stdin '^a line' sh -c "echo a line | $DOCKER exec -i web cat"
check exec-terminal '40 100.*is 42' on_terminal 'stty size\necho is $((6 * 7))\nexit\n' "$DOCKER exec -it web sh"
check exec-terminal-only 'a tty' sh -c "$DOCKER exec -t web sh -c 'test -t 1 && echo a tty'"
check exec-user '^1000 /tmp v' $DOCKER exec -u 1000 -w /tmp -e K=v web sh -c 'echo $(id -u) $PWD $K'
check exec-detached '^done' sh -c "$DOCKER exec -d web sh -c 'echo done > /tmp/done' && sleep 1 && $DOCKER exec web cat /tmp/done"
check cp-out 'page' sh -c "$DOCKER cp web:/tmp/index.html $WORK/page && cat $WORK/page"
check cp-in '^put' sh -c "echo put > $WORK/put && $DOCKER cp $WORK/put web:/tmp/put > $WORK/out 2>&1 && $DOCKER exec web cat /tmp/put"
check diff 'A /tmp/index.html' $DOCKER diff web
check pause '^web' $DOCKER pause web
check paused '^paused' inspect '{{.State.Status}}' web
refuse exec-paused 'is paused' $DOCKER exec web true
check unpause '^web' $DOCKER unpause web
check unpaused '^running' inspect '{{.State.Status}}' web
check attach 'tick [0-9]+' sh -c "timeout -s KILL 2 $DOCKER attach --no-stdin --sig-proxy=false web; true"
check reader '^[0-9a-f]{64}' $DOCKER run -d -i --name reader busybox sh -c 'while read -r line; do echo "got $line"; [ "$line" = end ] && exit 4; done'
code attach-stdin 4 sh -c "(sleep 1; echo one; sleep 0.5; echo end; sleep 1) | $DOCKER attach reader"
check attach-heard 'got one~got end' $DOCKER logs reader
check terminal '^[0-9a-f]{64}' $DOCKER run -dit --name terminal busybox
check attach-terminal 'is 42' on_terminal 'echo is $((6 * 7))\nexit\n' "$DOCKER attach terminal" ""
check terminal-over '^exited 0' eventually exited inspect '{{.State.Status}} {{.State.ExitCode}}' terminal
check restart '^web' $DOCKER restart -t 5 web
check restarted '^running' inspect '{{.State.Status}}' web
check restarted-trap 'bye' $DOCKER logs web
check published-again '^page' eventually page $NETNS busybox wget -qO- http://127.0.0.1:18080/
check commit '^sha256' $DOCKER commit web committed
check committed '^page' $DOCKER run --rm committed cat /tmp/index.html
check build 'Successfully tagged built' sh -c "printf 'FROM busybox\nRUN echo made > /made\nCOPY put /put\n' > $WORK/Dockerfile && mkdir $WORK/context && cp $WORK/put $WORK/context/ && DOCKER_BUILDKIT=0 $DOCKER build -t built -f $WORK/Dockerfile $WORK/context"
check built '^made~put' $DOCKER run --rm built cat /made /put
check network 'page' sh -c "$DOCKER network create net > $WORK/out && $DOCKER run -d --name named --network net busybox sh -c 'echo page > /tmp/index.html; httpd -f -p 80 -h /tmp' >> $WORK/out && sleep 1 && $DOCKER run --rm --network net busybox wget -qO- http://named/"
check healthy '^healthy' sh -c "$DOCKER run -d --name well --health-cmd true --health-interval 1s busybox sleep 1000 > $WORK/out; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do $DOCKER inspect -f '{{.State.Health.Status}}' well | grep -x healthy && break; sleep 1; done"
check oom '^137 true' sh -c "$DOCKER run --name greedy -m 16m --memory-swap 16m busybox tail /dev/zero; $DOCKER inspect -f '{{.State.ExitCode}} {{.State.OOMKilled}}' greedy"
check oom-event 'oom greedy' eventually 'oom greedy' cat "$WORK/events"
check restart-policy '^exited 2~?$' eventually 'exited 2' $DOCKER inspect -f '{{.State.Status}} {{.RestartCount}}' "$($DOCKER run -d --name stubborn --restart on-failure:2 busybox sh -c 'exit 5')"

# our daemon goes and comes, containers run on
pid=$($DOCKER inspect -f '{{.State.Pid}}' web)
for name in short1 short2; do $DOCKER run -d --name $name busybox sh -c 'while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 11' > "$WORK/out"; done
check daemon-restart '' $RESTART
check survives "^$pid running" inspect '{{.State.Pid}} {{.State.Status}}' web
check exec-after-restart '^again' eventually again $DOCKER exec web echo again
code short-exec 0 $DOCKER exec short1 touch /tmp/go
check short-over '^exited 11' eventually exited inspect '{{.State.Status}} {{.State.ExitCode}}' short1
check run-after-restart '^hello' $DOCKER run --rm busybox echo hello
short2=$($DOCKER inspect -f '{{.State.Pid}}' short2)
check daemon-down '' $DOWN
check ends-meanwhile '' sh -c "nsenter -t $short2 -m -r touch /tmp/go; for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $short2 2> /dev/null || break; sleep 0.3; done"
check ticks-meanwhile 'tick' $DOCKER logs --tail 1 web
sleep 1
check daemon-up '' $UP
check seen-afterwards '^exited 11' eventually exited inspect '{{.State.Status}} {{.State.ExitCode}}' short2
check survives-kill "^$pid running" inspect '{{.State.Pid}} {{.State.Status}}' web
check exec-after-kill '^again' eventually again $DOCKER exec web echo again
check stats-after-kill 'web.* / 128MiB' $DOCKER stats --no-stream web
check published-after-kill '^page' eventually page $NETNS busybox wget -qO- http://127.0.0.1:18080/
check no-tick-lost '^[0-9]+ 0~?$' sh -c "$DOCKER logs web 2>&1 | sed -n '/bye/,\$p' | awk '/^tick/ { if (\$2 != last + 1) bad++; last = \$2 } END { print last, bad + 0 }'"
check logs-go-on 'more' sh -c "before=\$($DOCKER logs web | wc -l); sleep 1; [ \$($DOCKER logs web | wc -l) -gt \$before ] && echo more"

# ends
check wait '^7' sh -c "$DOCKER wait web & sleep 0.5; $DOCKER stop -t 5 web > $WORK/out; wait"
check stopped '^exited 7 false' inspect '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}' web
check start '^web' $DOCKER start web
check kill '^web' $DOCKER kill -s KILL web
check killed '^exited 137' eventually exited inspect '{{.State.Status}} {{.State.ExitCode}}' web
check rm '^web' $DOCKER rm web
check rm-force 'named' $DOCKER rm -f named well
check rm-others 'short1' $DOCKER rm short1 short2 reader terminal greedy stubborn
sleep 1
for each in web:3 reader:1 terminal:1 greedy:1 stubborn:3 short1:1 short2:1 named:1 well:1; do
  check "exits-of-${each%:*}" "^${each#*:}\$" dies "${each%:*}"
done
check exits-of-execs '^1[1-9]~?$' sh -c "grep '^exec_die web ' $WORK/events | sort -u | wc -l"
check exits-of-execs-once '^$' sh -c "grep '^exec_die ' $WORK/events | sort | uniq -d"
kill $listener

# nothing stays
check no-containers '^$' $DOCKER ps -aq
check no-tasks '^TASK +PID +STATUS *~?$' $CTR -n moby task ls
check no-records '^CONTAINER +IMAGE +RUNTIME *~?$' $CTR -n moby container ls
check no-shims '^$' shims
check no-cgroups '^$' sh -c "find /sys/fs/cgroup/*$CGROUP -mindepth 1 -type d 2> /dev/null; true"
if [ "$IMAGES" = containerd ]; then
  check images-in-containerd "$REGISTRY/lib/busybox:1.*docker.io/library/built:latest" $CTR -n moby image ls
  check prune 'Total reclaimed space' $DOCKER system prune --all --force
  check no-images '^REF[^~]*~?$' $CTR -n moby image ls
  check no-snapshots '^KEY[^~]*~?$' eventually '^KEY[^~]*~?$' $CTR -n moby snapshots ls
  check no-content '^DIGEST[^~]*~?$' eventually '^DIGEST[^~]*~?$' $CTR -n moby content ls
fi
exit $((failed > 0))
