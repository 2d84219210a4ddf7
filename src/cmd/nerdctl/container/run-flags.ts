import { duration, flag, list, number, text, type Values } from '../../cli/flags.ts';

const notHere = 'only where docker runs on Windows';
const signatures = 'signatures are checked by the image verifiers of the daemon, for every pull';

/** What a container is to be: flags of `run` and of `create`. */
export const containerFlags = {
  // The process.
  attach: list('attach to stdin, stdout or stderr', { alias: 'a' }),
  interactive: flag('keep stdin open, even if nobody is attached', { alias: 'i' }),
  tty: flag('give it a terminal', { alias: 't' }),
  entrypoint: text("the program in the place of the image's; empty takes it away"),
  workdir: text('the directory to start in', { alias: 'w' }),
  env: list("NAME=value, or NAME for the caller's own", { alias: 'e' }),
  'env-file': list('a file of such lines', { completes: 'files' }),
  user: text('name or uid, and optionally group: <name|uid>[:<group|gid>]', { alias: 'u' }),
  'group-add': list('a further group'),
  umask: text('which bits files are made without, such as 0022'),
  hostname: text('the host name inside', { alias: 'h' }),
  domainname: text('the domain name inside'),
  init: flag('run a small process 1 that hands on signals and collects children'),
  'init-binary': text('which program that is, in place of our own', { completes: 'files' }),
  systemd: text('make ready for systemd as process 1: true (when the command is one), false, always', {
    default: 'false',
  }),
  'stop-signal': text('what ends it'),
  'stop-timeout': number('seconds from the stop signal to the kill'),

  // The container.
  name: text('its name'),
  rm: flag('remove it, and its anonymous volumes, when it ends'),
  restart: text('no, always, unless-stopped, on-failure[:times]', { default: 'no' }),
  label: list('a label: name=value', { alias: 'l' }),
  'label-file': list('a file of labels', { completes: 'files' }),
  annotation: list('an annotation for the runtime: name=value'),
  cidfile: text('write its id into this file', { completes: 'files' }),
  pidfile: text("write its process's id into this file", { completes: 'files' }),
  pull: text('fetch the image: always, missing or never', { default: 'missing' }),
  quiet: flag('no progress of a pull', { alias: 'q' }),
  platform: text('which of the image: os/architecture[/variant]'),
  runtime: text('what runs it: a shim (io.containerd.…) or a program like runc'),
  rootfs: flag('the image is a directory'),

  // Mounts.
  volume: list('[source:]target[:options]', { alias: 'v' }),
  mount: list('type=bind|volume|tmpfs|image,source=…,target=…'),
  tmpfs: list('target[:options]: a file system in memory'),
  'volumes-from': list("another container's volumes: container[:ro]"),
  'volume-driver': text('what keeps new volumes: local'),
  'read-only': flag('its root cannot be written'),
  'storage-opt': list('', { refused: 'no snapshotter here limits what one container takes' }),

  // Networks.
  network: list('bridge, host, none, container:<name>, ns:<path>, or a network; name=…,alias=…,ip=…', {
    alias: 'net',
    completes: 'networks',
  }),
  'network-alias': list('a further name in its networks', { alias: 'net-alias' }),
  publish: list('[[address:]port:]port[/protocol], ranges too', { alias: 'p' }),
  'publish-all': flag('publish every exposed port at one that is free', { alias: 'P' }),
  expose: list('a port or a range that it serves'),
  dns: list('a name server'),
  'dns-search': list('a domain to search in; . for none'),
  'dns-option': list('an option for resolv.conf', { alias: 'dns-opt' }),
  'add-host': list('a name for /etc/hosts: name:address; host-gateway for the machine'),
  ip: text('its IPv4 address'),
  ip6: text('its IPv6 address'),
  'mac-address': text('its hardware address'),
  'link-local-ip': list('', { refused: 'no network here gives link-local addresses' }),
  link: list('', {
    refused: 'containers of a network find each other by their names; --network-alias gives them others',
  }),

  // Limits.
  memory: text('how much memory: bytes, or 64m', { alias: 'm' }),
  'memory-reservation': text('how much it keeps when memory is short'),
  'memory-swap': text('memory and swap together; -1 for as much as there is'),
  'memory-swappiness': number('how readily it is swapped out, 0 to 100', { default: -1 }),
  'kernel-memory': text('', { refused: 'kernels have no such limit any more' }),
  'oom-kill-disable': flag('wait instead of ending when memory is used up'),
  'oom-score-adj': number('how readily it is ended when memory is short, -1000 to 1000'),
  cpus: text('how many processors: 1.5'),
  'cpu-quota': number('microseconds in each period'),
  'cpu-period': number('how long a period is'),
  'cpu-shares': number('its weight beside others', { alias: 'c' }),
  'cpu-rt-period': number('realtime microseconds: the period'),
  'cpu-rt-runtime': number('realtime microseconds in each period'),
  'cpuset-cpus': text('which processors: 0-2,4'),
  'cpuset-mems': text('which memory nodes'),
  'pids-limit': number('how many processes and threads; -1 without limit'),
  'blkio-weight': number('its weight at disks, 10 to 1000'),
  'blkio-weight-device': list('path:weight'),
  'device-read-bps': list('path:bytes a second'),
  'device-write-bps': list('path:bytes a second'),
  'device-read-iops': list('path:reads a second'),
  'device-write-iops': list('path:writes a second'),
  ulimit: list('name=soft[:hard]'),
  'shm-size': text('how big /dev/shm is'),
  'cgroup-parent': text('the control group above its own'),
  'cgroup-conf': list('a file of its cgroup v2: name=value'),
  'rdt-class': text('class of cache and memory bandwidth'),
  device: list('source[:target[:rwm]], or a CDI device vendor/class=name'),
  'device-cgroup-rule': list('type major:minor rwm: leave to use devices'),
  gpus: list('GPUs by CDI: all, a number, device=…'),

  // Walls.
  privileged: flag('all capabilities and devices, nothing hidden'),
  'cap-add': list('a capability more; ALL'),
  'cap-drop': list('a capability less; ALL'),
  'security-opt': list(
    'seccomp=…, apparmor=…, no-new-privileges, systempaths=unconfined, writable-cgroups, privileged-without-host-devices',
  ),
  sysctl: list('a kernel parameter of its namespaces: name=value'),
  pid: text('processes: host, container:<name>'),
  ipc: text('shared memory: none, private, shareable, host, container:<name>'),
  uts: text('host name: host, container:<name>'),
  cgroupns: text('control groups: host, private'),
  userns: text('users: host, for none of its own'),

  // Output and health.
  'log-driver': text('json-file, journald, syslog, fluentd, none'),
  'log-opt': list('an option of the log driver: name=value'),
  'health-cmd': text('what tells whether it is well'),
  'health-interval': duration('from one look to the next'),
  'health-timeout': duration('how long a look may take'),
  'health-start-period': duration('while it starts, failures do not count'),
  'health-start-interval': duration('from one look to the next while it starts'),
  'health-retries': number('how many failures in a row make it unhealthy'),
  'no-healthcheck': flag("not even the image's"),

  // Known, and not taken.
  isolation: text('', { refused: notHere }),
  'disable-content-trust': { ...flag('images need no signatures, as there is no content trust'), default: true },
  'use-api-socket': flag('', { refused: "there is no socket with docker's API" }),
  verify: text('', { refused: signatures }),
  'cosign-key': text('', { refused: signatures }),
  'cosign-certificate-identity': text('', { refused: signatures }),
  'cosign-certificate-identity-regexp': text('', { refused: signatures }),
  'cosign-certificate-oidc-issuer': text('', { refused: signatures }),
  'cosign-certificate-oidc-issuer-regexp': text('', { refused: signatures }),
  'ipfs-address': text('', { refused: 'there is no IPFS here' }),
  'cpu-count': number('', { refused: notHere }),
  'cpu-percent': number('', { refused: notHere }),
  'io-maxbandwidth': text('', { refused: notHere }),
  'io-maxiops': number('', { refused: notHere }),
};
export type ContainerFlags = typeof containerFlags;
export type ContainerFlagValues = Values<ContainerFlags>;

/** Those that only `run` has: who is attached to it, and how. */
export const runFlags = {
  detach: flag('run it in the background and print its id', { alias: 'd' }),
  'detach-keys': text('keys that leave it running', { default: 'ctrl-p,ctrl-q' }),
  'sig-proxy': { ...flag('hand on signals to its process'), default: true },
};
