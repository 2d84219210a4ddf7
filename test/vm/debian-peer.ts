import type { Machine } from './machine.ts';
import { busyboxName } from './payload.ts';

export interface Peer extends AsyncDisposable {
  readonly address: string;
}

const address = '/run/peer/containerd.sock';
const config = `version = 2
root = "/var/lib/peer"
state = "/run/peer"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${address}"
`;

/** Debian's own containerd with Debian's shim, beside ours in the same machine, with the same image. */
export async function startPeer(machine: Machine): Promise<Peer> {
  await machine.ok(`mkdir -p /etc/peer && echo '${config}' > /etc/peer/config.toml`);
  await machine.ok(
    'systemd-run --unit=peer -p Type=notify -p Delegate=yes -p KillMode=process -E PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/bin/containerd -c /etc/peer/config.toml',
    120,
  );
  await machine.ok(
    `/usr/bin/ctr -a ${address} images ls -q | grep -q ${busyboxName} || /usr/bin/ctr -a ${address} images import /payload/busybox.tar`,
    120,
  );
  return { address, [Symbol.asyncDispose]: async () => void (await machine.ok('systemctl stop peer')) };
}

/** The topics of a container's life, in order, while a `ctr run` of Debian's is under way at one daemon. */
export async function oomTopics(machine: Machine, at: string, run: string): Promise<readonly string[]> {
  const script = `
    /usr/bin/ctr -a ${at} events > /run/events & listener=$!
    sleep 3
    ${run.replace('/usr/bin/ctr ', `/usr/bin/ctr -a ${at} `)}
    for i in $(seq 50); do grep -q /containers/delete /run/events && break; sleep 0.2; done
    kill $listener
    cat /run/events`;
  const said = await machine.ok(script, 120);
  return [...said.matchAll(/ (\/tasks\/[a-z-]+) /g)].map(([, topic = '']) => topic);
}
