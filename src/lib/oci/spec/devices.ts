import type { BigIntStats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { classOf, invalidArgument, wrap } from '#base/errors';
import { type Device, type Spec, withLinux, withResources } from './spec.ts';

/**
 * The device at `path`, or all devices below it when it is a directory; inside the container they get the place `target`, if given.
 *
 * @throws not_found when nothing is there; invalid_argument when it is neither device nor directory.
 */
export async function devicesAt(path: string, target = path): Promise<readonly Device[]> {
  const stats = await stat(path, { bigint: true }).catch((thrown: unknown) => {
    throw wrap(thrown, 'error stating device path');
  });
  if (stats.isDirectory()) return await walk(path, target);
  const device = deviceOf(target, stats);
  if (device === undefined) throw invalidArgument('not a device node');
  return [device];
}

/** Every device of this machine, but for what each container has of its own (console, terminals, shared memory). */
export const hostDevices = (): Promise<readonly Device[]> => walk('/dev', '/dev');

/** The devices made in the container, and leave to use them as `access` says (`r`, `w`, `m` for mknod). */
export function withDevices(spec: Spec, devices: readonly Device[], access = 'rwm'): Spec {
  if (!/^[rwm]{1,3}$/.test(access))
    throw invalidArgument(`device access ${JSON.stringify(access.slice(0, 16))}: wanted r, w and m`);
  const rules = devices.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access }));
  return withResources(withDeviceNodes(spec, devices), {
    devices: [...(spec.linux?.resources?.devices ?? []), ...rules],
  });
}

/** The devices made in the container; whether they may be used is for the rules. */
export const withDeviceNodes = (spec: Spec, devices: readonly Device[]): Spec =>
  withLinux(spec, { devices: [...(spec.linux?.devices ?? []), ...devices] });

/** Leave to use every device that the container gets hold of. */
export const withAllDevicesAllowed = (spec: Spec): Spec =>
  withResources(spec, { devices: [{ allow: true, access: 'rwm' }] });

const ownToContainers: ReadonlySet<string> = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);

async function walk(dir: string, target: string): Promise<readonly Device[]> {
  const devices: Device[] = [];
  const names = await readdir(dir);
  for (const name of names.sort()) {
    const path = join(dir, name);
    // Links are left out, as what they point at is found at its own place; devices that vanish meanwhile, too.
    const stats = await lstat(path, { bigint: true }).catch((thrown: unknown) => {
      if (classOf(thrown) === 'not_found') return undefined;
      throw thrown;
    });
    if (stats?.isDirectory()) {
      if (!ownToContainers.has(name)) devices.push(...(await walk(path, join(target, name))));
    } else if (stats !== undefined && name !== 'console') {
      const device = deviceOf(join(target, name), stats);
      if (device !== undefined) devices.push(device);
    }
  }
  return devices;
}

function deviceOf(path: string, stats: BigIntStats): Device | undefined {
  const type = stats.isCharacterDevice() ? 'c' : stats.isBlockDevice() ? 'b' : stats.isFIFO() ? 'p' : undefined;
  if (type === undefined) return undefined;
  const { rdev } = stats;
  // The kernel's split of a device number: low parts where they always were, the rest above.
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return {
    path,
    type,
    major: Number(major),
    minor: Number(minor),
    fileMode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
  };
}
