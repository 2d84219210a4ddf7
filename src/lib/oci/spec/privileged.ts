import { withCapabilities } from './capabilities.ts';
import { withAllDevicesAllowed, withDeviceNodes } from './devices.ts';
import type { Device, Spec, SpecMount } from './spec.ts';

export interface Privileges {
  /** What the one who asks may do: nobody can give more. */
  readonly capabilities: readonly string[];
  /** Those of the host; absent: the container keeps to its own. */
  readonly devices?: readonly Device[];
}

/** Takes the walls down: all capabilities, the devices, nothing hidden or read-only, no seccomp, no AppArmor, no SELinux label. */
export function withPrivileges(spec: Spec, { capabilities, devices }: Privileges): Spec {
  const { apparmorProfile: _a, selinuxLabel: _s, ...process } = spec.process ?? { user: { uid: 0, gid: 0 }, cwd: '/' };
  const { maskedPaths: _m, readonlyPaths: _r, seccomp: _c, ...linux } = spec.linux ?? {};
  const open = withCapabilities({ ...spec, process, linux, mounts: (spec.mounts ?? []).map(writable) }, capabilities);
  return devices === undefined ? open : withDeviceNodes(withAllDevicesAllowed(open), devices);
}

function writable(mount: SpecMount): SpecMount {
  if ((mount.type !== 'sysfs' && mount.type !== 'cgroup') || mount.options === undefined) return mount;
  return { ...mount, options: mount.options.map((option) => (option === 'ro' ? 'rw' : option)) };
}
