import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failedPrecondition } from '#base/errors';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import type { Spec, SpecMount } from '#lib/oci/spec/spec';
import { mountTable } from '#sys/mountinfo';
import type { TmpfsRequest } from '../parse/volume.ts';

export interface OwnMounts {
  readonly stateDir: string;
  readonly hostsDir: string;
  readonly ipc: string;
  readonly shmBytes: number;
  /** A user namespace of its own may not mount the kernel's view of devices. */
  readonly remapped: boolean;
  /** The program that is process 1. */
  readonly init?: string | undefined;
  readonly systemd: boolean;
}

export const initPath = '/sbin/docker-init';
const quiet = ['nosuid', 'noexec', 'nodev'];

/** What every container has mounted. */
export function ownMounts(own: OwnMounts): readonly SpecMount[] {
  const usual = (defaultSpec('x', 'x').mounts ?? []).filter(
    ({ destination }) => !['/run', '/dev/shm', ...(own.ipc === 'host' ? ['/dev/mqueue'] : [])].includes(destination),
  );
  return [
    ...usual.map((mount) => (own.remapped && mount.type === 'sysfs' ? boundSys : mount)),
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...quiet, 'relatime', 'ro'] },
    ...(own.ipc === 'host' && existsSync('/dev/mqueue') ? [bind('/dev/mqueue', '/dev/mqueue')] : []),
    ...sharedMemory(own),
    bind(join(own.stateDir, 'resolv.conf'), '/etc/resolv.conf'),
    bind(join(own.stateDir, 'hostname'), '/etc/hostname'),
    bind(join(own.hostsDir, 'hosts'), '/etc/hosts'),
    ...(own.init === undefined ? [] : [bind(own.init, initPath, ['ro'])]),
    ...(own.systemd
      ? ['/run', '/run/lock', '/tmp'].map((target) => tmpfs({ target, options: ['exec', 'mode=1777'] }))
      : []),
  ];
}

const boundSys: SpecMount = { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...quiet, 'ro'] };

export const bind = (source: string, destination: string, options: readonly string[] = []): SpecMount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', 'rprivate', ...options],
});

/** Where the memory is that others may share: the daemon makes it, and takes it away. */
export const sharedMemoryDirectory = (stateDir: string): string => join(stateDir, 'shm');

function sharedMemory({ ipc, shmBytes, stateDir }: OwnMounts): readonly SpecMount[] {
  if (ipc === 'host') return [bind('/dev/shm', '/dev/shm')];
  if (ipc === 'none') return [];
  // Of another container: whose it is is filled in with the namespace.
  if (ipc === 'shareable' || ipc.startsWith('container:'))
    return [bind(sharedMemoryDirectory(stateDir), '/dev/shm', [...quiet])];
  const options = [...quiet, 'mode=1777', `size=${shmBytes}`];
  return [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options }];
}

const opposites: Readonly<Record<string, string>> = { exec: 'noexec', suid: 'nosuid', dev: 'nodev' };

/** A file system in memory, from which nothing can be run unless it is said. */
export function tmpfs({ target, options }: TmpfsRequest): SpecMount {
  const undone = options.flatMap((option) => opposites[option] ?? []);
  const usual = ['noexec', 'nosuid', 'nodev'].filter((option) => !undone.includes(option));
  return { destination: target, type: 'tmpfs', source: 'tmpfs', options: [...new Set([...usual, ...options])] };
}

/** All of them in an order in which none hides another; a wish takes the place of what every container has. */
export function withAllMounts(spec: Spec, own: readonly SpecMount[], wanted: readonly SpecMount[]): Spec {
  const places = new Set(wanted.map(({ destination }) => destination));
  const all = [...own.filter(({ destination }) => !places.has(destination)), ...wanted];
  const depth = ({ destination }: SpecMount) => destination.split('/').filter((part) => part !== '').length;
  return withPropagation({ ...spec, mounts: all.toSorted((a, b) => depth(a) - depth(b)) }, wanted);
}

/** What is to be seen on both sides needs a root that lets it through. @throws failed_precondition in docker's words */
function withPropagation(spec: Spec, mounts: readonly SpecMount[]): Spec {
  let rootfsPropagation: string | undefined;
  for (const { source = '', options = [] } of mounts) {
    const way = options.find((option) => /^r?(shared|slave)$/.test(option))?.replace(/^r/, '');
    if (way === undefined) continue;
    const { mountpoint, isShared, isSlave } = mountOf(source);
    if (way === 'shared' && !isShared)
      throw failedPrecondition(`path ${source} is mounted on ${mountpoint} but it is not a shared mount`);
    if (way === 'slave' && !isShared && !isSlave)
      throw failedPrecondition(`path ${source} is mounted on ${mountpoint} but it is not a shared or slave mount`);
    if (way === 'shared') rootfsPropagation = 'shared';
    else rootfsPropagation ??= 'rslave';
  }
  return rootfsPropagation === undefined ? spec : { ...spec, linux: { ...spec.linux, rootfsPropagation } };
}

function mountOf(path: string) {
  const above = mountTable().filter(
    ({ mountpoint }) => mountpoint === '/' || path === mountpoint || path.startsWith(`${mountpoint}/`),
  );
  const row = above.toSorted((a, b) => a.mountpoint.length - b.mountpoint.length).at(-1);
  const has = (kind: string) => row?.propagation.some((one) => one.startsWith(kind)) ?? false;
  return { mountpoint: row?.mountpoint ?? '/', isShared: has('shared:'), isSlave: has('master:') };
}
