import type { NamespaceOptions } from '#ops/container/create-options';
import { parseNamespaceMode } from '#ops/container/parse/namespaces';
import type { ContainerInvocation } from './create-options.ts';
import { refuse } from './read-flags.ts';

/** The flags that say which namespaces are shared. @throws FlagFault in docker's words */
export function namespaceOptions({ flags }: Pick<ContainerInvocation, 'flags'>): NamespaceOptions {
  const mode = (flag: 'pid' | 'ipc' | 'uts' | 'cgroupns' | 'userns', kind: Parameters<typeof parseNamespaceMode>[0]) =>
    refuse(`--${flag}`, () => parseNamespaceMode(kind, flags[flag]));
  return {
    pid: mode('pid', 'pid'),
    ipc: mode('ipc', 'ipc'),
    uts: mode('uts', 'uts'),
    cgroup: mode('cgroupns', 'cgroup'),
    user: mode('userns', 'user'),
  };
}
