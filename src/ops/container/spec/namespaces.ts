import { hostname as machineName } from 'node:os';
import { failedPrecondition, invalidArgument } from '#base/errors';
import type { HostIds } from '#client/remap';
import type { Container } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import { withHostNamespace, withNamespace, withUserNamespace } from '#lib/oci/spec/namespaces';
import { type Namespace, type NamespaceType, type Spec, withLinux } from '#lib/oci/spec/spec';
import type { Engine } from '../../engine.ts';
import type { NamespaceOptions, NetworkOptions } from '../create-options.ts';
import { findContainer } from '../find.ts';
import { namespaceOfSysctl } from '../parse/sysctl.ts';
import { isUnified } from './cgroups.ts';

/** The modes as they are kept: `container:` with the whole id. */
export interface NamespaceModes {
  readonly pid: string;
  readonly ipc: string;
  readonly uts: string;
  readonly cgroup: 'host' | 'private';
  readonly user: string;
}

/** Until a task is made nobody knows whose namespace it will be: the daemon fills this in. Whoever does not know fails, and shares nothing by mistake. */
export const unknownNamespace = '/proc/0/ns';

/** @throws not_found for another container that is none; failed_precondition for one that shares nothing; invalid_argument */
export async function namespaceModes(engine: Engine, wanted: NamespaceOptions): Promise<NamespaceModes> {
  const { pid = '', ipc = '', uts = '', cgroup = '', user = '' } = wanted;
  if (user !== '' && user !== 'host') throw invalidArgument(`--userns ${user}: only "host", and --userns-remap`);
  return {
    pid: await whole(engine, pid),
    ipc: await whole(engine, ipc, checkShares),
    uts: await whole(engine, uts),
    cgroup: cgroup === 'host' || cgroup === 'private' ? cgroup : isUnified() ? 'private' : 'host',
    user,
  };
}

async function whole(engine: Engine, mode: string, check: (found: Container) => void = () => {}): Promise<string> {
  if (!mode.startsWith('container:')) return mode;
  const found = await findContainer(engine, mode.slice('container:'.length));
  check(found);
  return `container:${found.id}`;
}

function checkShares(found: Container): void {
  const mode = settingsOf(found)?.hostConfig.IpcMode;
  if (mode === 'shareable' || mode === 'host' || (typeof mode === 'string' && mode.startsWith('container:'))) return;
  throw failedPrecondition(
    `can't join IPC of container ${found.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
  );
}

/** @throws invalid_argument in docker's words for what does not go together */
export function withNamespaces(
  before: Spec,
  modes: NamespaceModes,
  network: { readonly mode: string; readonly path: string },
  ids: HostIds | undefined,
): Spec {
  let spec = before;
  const apply = (type: NamespaceType, mode: string) => {
    if (mode === 'host') spec = withHostNamespace(spec, type);
    else spec = withNamespace(spec, entry(type, mode));
  };
  apply('pid', modes.pid);
  apply('ipc', modes.ipc);
  apply('uts', modes.uts);
  if (modes.cgroup === 'private') spec = withNamespace(spec, { type: 'cgroup' });
  if (network.mode === 'host') spec = withHostNamespace(spec, 'network');
  else spec = withNamespace(spec, { type: 'network', ...(network.path !== '' && { path: network.path }) });
  if (ids === undefined) return spec;
  if (modes.pid === 'host')
    throw invalidArgument('cannot share the host PID namespace when user namespaces are enabled');
  if (network.mode === 'host')
    throw invalidArgument("cannot share the host's network namespace when user namespaces are enabled");
  if ([modes.pid, modes.ipc, modes.uts, network.mode].some((mode) => mode.startsWith('container')))
    throw invalidArgument("cannot share another container's namespaces when user namespaces are enabled");
  return withUserNamespace(spec, ids.uids, ids.gids);
}

const entry = (type: NamespaceType, mode: string): Namespace =>
  mode.startsWith('container:') ? { type, path: `${unknownNamespace}/${type}` } : { type };

/** Parameters of namespaces that the container has to itself. @throws invalid_argument in docker's words for others */
export function withSysctls(
  spec: Spec,
  sysctls: Readonly<Record<string, string>>,
  modes: NamespaceModes & { readonly network: string; readonly remapped: boolean },
): Spec {
  const named = { network: 'Network', ipc: 'IPC', uts: 'UTS' } as const;
  for (const name of Object.keys(sysctls)) {
    const type = namespaceOfSysctl(name);
    if (type === undefined) throw invalidArgument(`sysctl '${name}' is not allowed`);
    if (modes[type] === 'host')
      throw invalidArgument(`sysctl '${name}' not allowed in host ${named[type].toLowerCase()} namespace`);
  }
  // A network that was made outside does not belong to a user namespace of the container's.
  const own = modes.remapped || ['host', 'container', 'path'].includes(modes.network);
  // As docker has it: who has a network of his own may listen on every port of it.
  const usual: Readonly<Record<string, string>> = own ? {} : { 'net.ipv4.ip_unprivileged_port_start': '0' };
  return withLinux(spec, { sysctl: { ...spec.linux?.sysctl, ...usual, ...sysctls } });
}

/** The host name that a container has, and those that its modes leave it no choice of. @throws invalid_argument in docker's words */
export function hostnameFor(
  id: string,
  wanted: { readonly hostname: string; readonly domainname: string },
  modes: NamespaceModes,
  network: Pick<NetworkOptions, 'networks'>,
): string {
  const shares = network.networks?.some(({ name }) => name.startsWith('container:')) ?? false;
  if (wanted.hostname !== '' && shares) throw invalidArgument('conflicting options: hostname and the network mode');
  if ((wanted.hostname !== '' || wanted.domainname !== '') && modes.uts === 'host')
    throw invalidArgument('conflicting options: hostname and the UTS mode');
  if (wanted.hostname.length > 64 || /[\s\0/]/.test(wanted.hostname))
    throw invalidArgument(`invalid hostname ${JSON.stringify(wanted.hostname.slice(0, 80))}`);
  if (wanted.hostname !== '') return wanted.hostname;
  const isMachines = modes.uts === 'host' || network.networks?.[0]?.name === 'host';
  return isMachines ? machineName() : id.slice(0, 12);
}
