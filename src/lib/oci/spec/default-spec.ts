import { defaultCapabilities } from './capabilities.ts';
import type { DeviceRule, Spec, SpecMount } from './spec.ts';

/** The `PATH` of a container whose image has no environment at all. */
export const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The spec that containerd 1.6 gives to a container about which nothing else is known, with the devices that every program expects allowed,
 * and the processor's energy counters hidden as its later releases do.
 */
export function defaultSpec(id: string, namespace: string): Spec {
  const capabilities = defaultCapabilities;
  return {
    ociVersion: '1.0.2-dev',
    process: {
      user: { uid: 0, gid: 0 },
      cwd: '/',
      // No inheritable set: a program that gets capabilities from a file must not find more than its own there.
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    mounts: defaultMounts,
    linux: {
      resources: { devices: defaultDeviceRules },
      cgroupsPath: `/${namespace}/${id}`,
      namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, { type: 'network' }],
      maskedPaths,
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

const quiet = ['nosuid', 'noexec', 'nodev'];

const defaultMounts: readonly SpecMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: quiet },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...quiet, 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, 'ro'] },
  {
    destination: '/run',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
];

const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/sys/firmware',
  // How much energy was used tells what was computed (CVE-2020-8694).
  '/sys/devices/virtual/powercap',
  '/proc/scsi',
];

const character = (major: number, minor?: number): DeviceRule => ({
  allow: true,
  type: 'c',
  major,
  ...(minor !== undefined && { minor }),
  access: 'rwm',
});

/** In this order: null, random, full, tty, zero, urandom, console, terminals, their multiplexer. */
const defaultDeviceRules: readonly DeviceRule[] = [
  { allow: false, access: 'rwm' },
  character(1, 3),
  character(1, 8),
  character(1, 7),
  character(5, 0),
  character(1, 5),
  character(1, 9),
  character(5, 1),
  character(136),
  character(5, 2),
];
