import { existsSync } from 'node:fs';
import { invalidArgument } from '#base/errors';
import type { Engine } from '../../engine.ts';

/** Which control groups this machine has, and which of their files. */
export const isUnified = (root = '/sys/fs/cgroup'): boolean => existsSync(`${root}/cgroup.controllers`);

/** Whether the kernel has a control's file, by its names in version 1 and (in any group below the root) 2. */
export const hasControl = (controller: string, file: string, root = '/sys/fs/cgroup'): boolean =>
  isUnified(root) || existsSync(`${root}/${controller}/${file}`);

/** Where the container's group is; with systemd's form for its manager. @throws invalid_argument for a parent that the manager cannot have */
export function cgroupPath({ scope, config }: Pick<Engine, 'scope' | 'config'>, id: string, parent: string): string {
  if (parent.split('/').includes('..')) throw invalidArgument(`cgroup-parent ${JSON.stringify(parent)}: no way up`);
  if (config.cgroupManager === 'none')
    throw invalidArgument('cgroup-manager "none" is only supported for rootless, which the daemon is not');
  if (config.cgroupManager === 'systemd') {
    const slice = parent === '' ? 'system.slice' : parent;
    if (!/^[^/]+\.slice$/.test(slice))
      throw invalidArgument('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"');
    return `${slice}:nerdctl:${id}`;
  }
  if (parent === '') return `/${scope.namespace}/${id}`;
  if (parent.endsWith('.slice') && !parent.includes('/'))
    throw invalidArgument('cgroup-parent for cgroupfs should not have a ".slice" suffix');
  return `${parent.startsWith('/') ? '' : '/'}${parent.replace(/\/+$/, '')}/${id}`;
}
