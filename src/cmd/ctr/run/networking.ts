import type { Any } from '#base/any';
import type { Container } from '#core/containers/containers';
import type { Scope } from '#core/scope';
import { addNetwork, removeNetwork } from '#lib/cni/network';
import { defaultNetwork } from '#lib/cni/network-config';
import type { Io } from '../../cli/io.ts';

/** Under this name containers say that their network is to be taken away with their task; ctr 2.x reads the same. */
const extensionName = 'ctr.cni-containerd.metadata';
const extension: Any = {
  typeUrl: 'github.com/containerd/containerd/v2/cmd/ctr/commands/NetworkMetaData',
  value: Buffer.from('{"EnableCni":true}'),
};
export const cniExtension: Readonly<Record<string, Any>> = { [extensionName]: extension };

/** Whether the container was made with `--cni`. */
function hasNetwork({ extensions }: Pick<Container, 'extensions'>): boolean {
  const said = extensions[extensionName];
  if (said === undefined) return false;
  return (JSON.parse(new TextDecoder().decode(said.value)) as { readonly EnableCni?: boolean }).EnableCni === true;
}

/** The first network of /etc/cni/net.d, with plugins of /opt/cni/bin and /usr/lib/cni; NETCONFPATH and CNI_PATH say otherwise, as to cnitool. */
const networkOf = ({ env }: Pick<Io, 'env'>) => defaultNetwork(env.NETCONFPATH || '/etc/cni/net.d');

const attachment = ({ env }: Pick<Io, 'env'>, { namespace }: Scope, id: string) => ({
  containerId: `${namespace}-${id}`,
  ifName: 'eth0',
  path: env.CNI_PATH ? env.CNI_PATH.split(':') : ['/opt/cni/bin', '/usr/lib/cni'],
  environment: env,
});

/** Connects a task that is not started yet to the network. What was begun is undone when it fails. @throws not_found without a network; the plugins' words */
export async function connectTask(io: Io, scope: Scope, id: string, pid: number): Promise<void> {
  const network = await networkOf(io);
  const to = { ...attachment(io, scope, id), netns: `/proc/${pid}/ns/net` };
  try {
    await addNetwork(network, to);
  } catch (thrown) {
    await removeNetwork(network, to).catch(() => {}); // the first failure is what matters
    throw thrown;
  }
}

/** The same for a container that says that it wants one; for those that start its task again. */
export async function connectIfWanted(io: Io, scope: Scope, container: Container, pid: number): Promise<void> {
  if (hasNetwork(container)) await connectTask(io, scope, container.id, pid);
}

/** Gives back what the container's task had of the network. @throws the plugins' words */
export async function disconnectTask(io: Io, scope: Scope, id: string): Promise<void> {
  await removeNetwork(await networkOf(io), { ...attachment(io, scope, id), netns: '' });
}

/** The same for a container that says that it has one; for those that remove its task. */
export async function disconnectIfConnected(io: Io, scope: Scope, container: Container): Promise<void> {
  if (hasNetwork(container)) await disconnectTask(io, scope, container.id);
}
