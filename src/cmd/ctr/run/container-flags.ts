import { flag, float, list, number, text, type Values } from '../../cli/flags.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';
import { runcFlags } from './runtime-options.ts';

/** Flags that `run` and `containers create` share: what the container is to be. */
export const containerFlags = {
  snapshotter: snapshotterFlag,
  'snapshotter-label': list('labels added to the new snapshot for this container.'),
  config: text('path to the runtime-specific spec config file', { alias: 'c' }),
  cwd: text('specify the working directory of the process'),
  env: list('specify additional container environment variables (e.g. FOO=bar)'),
  'env-file': text('specify additional container environment variables in a file(e.g. FOO=bar, one per line)'),
  label: list('specify additional labels (e.g. foo=bar)'),
  annotation: list('specify additional OCI annotations (e.g. foo=bar)'),
  mount: list('specify additional container mount (e.g. type=bind,src=/tmp,dst=/host,options=rbind:ro)'),
  'net-host': flag('enable host networking for the container'),
  privileged: flag('run privileged container'),
  'read-only': flag('set the containers filesystem as readonly'),
  runtime: text('runtime name or absolute path to runtime binary', { default: 'io.containerd.runc.v2' }),
  'runtime-config-path': text('optional runtime config path'),
  ...runcFlags,
  sandbox: text('create the container in the given sandbox', { completes: 'sandboxes' }),
  tty: flag('allocate a TTY for the container', { alias: 't' }),
  'with-ns': list("specify existing Linux namespaces to join at container runtime (format '<nstype>:<path>')"),
  'pid-file': text("file path to write the task's pid"),
  'allow-new-privs': flag("turn off OCI spec's NoNewPrivileges feature flag"),
  'memory-limit': number('memory limit (in bytes) for the container'),
  device: list(
    'file path to a device to add to the container; or a path to a directory tree of devices to add to the container; or the name of a CDI device (vendor/class=name)',
  ),
  'cdi-spec-dirs': list('directories to search for CDI specifications, the least important first', {
    value: 'dir',
  }),
  'cap-add': list("add Linux capabilities (Set capabilities with 'CAP_' prefix)"),
  'cap-drop': list("drop Linux capabilities (Set capabilities with 'CAP_' prefix)"),
  seccomp: flag('enable the default seccomp profile'),
  'seccomp-profile': text(
    'file path to custom seccomp profile. seccomp must be set to true, before using seccomp-profile',
  ),
  'apparmor-profile': text('enable AppArmor with an existing custom profile'),
  'apparmor-default-profile': text(
    'enable AppArmor with the default profile with the specified name, e.g. "cri-containerd.apparmor.d"',
  ),
  gpus: list('add gpus to the container'),
  'blockio-config-file': text('file path to blockio class definitions. By default class definitions are not loaded.'),
  'blockio-class': text('name of the blockio class to associate the container with'),
  'rdt-class': text(
    'name of the RDT class to associate the container with. Specifies a Class of Service (CLOS) for cache and memory bandwidth management.',
  ),
  hostname: text("set the container's host name"),
  user: text('username or user id, group optional (format: <name|uid>[:<group|gid>])', { alias: 'u' }),
  rootfs: flag('use custom rootfs that is not managed by containerd snapshotter'),
  'no-pivot': flag('disable use of pivot-root (linux only)'),
  'cpu-quota': number('Limit CPU CFS quota', { default: -1 }),
  'cpu-period': number('Limit CPU CFS period'),
  'rootfs-propagation': text('set the propagation of the container rootfs'),
};
export type ContainerFlags = Values<typeof containerFlags>;

/** Those that `run` has besides: how it is to run. */
export const runFlags = {
  rm: flag('remove the container after running, cannot be used with --detach'),
  cni: flag('enable cni networking for the container'),
  'null-io': flag('send all IO to /dev/null'),
  'log-uri': text('log uri'),
  detach: flag('detach from the task after it has started execution, cannot be used with --rm', { alias: 'd' }),
  'fifo-dir': text('directory used for storing IO FIFOs'),
  cgroup: text('cgroup path (To disable use of cgroup, set to "" explicitly)'),
  platform: text('run image for specific platform'),
  'sync-fs': flag('synchronize the underlying filesystem containing files when unpack images, false by default'),
  uidmap: list(
    'run inside a user namespace with the specified UID mapping ranges; specified with the format container-uid:host-uid:length',
    { value: 'container-uid:host-uid:length' },
  ),
  gidmap: list(
    'run inside a user namespace with the specified GID mapping ranges; specified with the format container-gid:host-gid:length',
    { value: 'container-gid:host-gid:length' },
  ),
  'remap-labels': flag(
    'provide the user namespace ID remapping to the snapshotter via label options; requires snapshotter support',
  ),
  'privileged-without-host-devices': flag("don't pass all host devices to privileged container"),
  cpus: float('set the CFS cpu quota'),
  'cpu-shares': number('set the cpu shares', { default: 1024 }),
  'cpuset-cpus': text('set the CPUs the container will run in (e.g., 1-2,4)'),
  'cpuset-mems': text('set the memory nodes the container will run in (e.g., 1-2,4)'),
};
export type RunFlags = Values<typeof runFlags>;
