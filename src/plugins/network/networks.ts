import { join } from 'node:path';
import { alreadyExists, failedPrecondition, isFault, notFound, wrap } from '#base/errors';
import type { Log } from '#base/log';
import type { Container, ContainerStore } from '#core/containers/containers';
import {
  type ContainerSettings,
  type NetworkAttachment,
  packSettings,
  settingsKey,
  settingsOf,
} from '#core/engine/container-settings';
import { layoutAt } from '#core/engine/layout';
import type { ConnectedContainer, NetworksPlugin } from '#core/networks/networks';
import type { Process, Runtime } from '#core/runtime/runtime';
import type { Attendance, TaskAttendant } from '#core/runtime/task-attendant';
import { type Scope, scopeOf } from '#core/scope';
import { getNetwork, type NetworkFile } from '#lib/cni/conflists';
import { defaultNetworkName, ensureDefaultNetwork } from '#lib/cni/default-network';
import type { ContainerFiles } from './container-files.ts';
import { ContainerNetwork, type ContainerNetworkParts, keyOf, namespacePath } from './container-network.ts';
import { namesInterfaces, type SharedFiles, withNetwork } from './container-spec.ts';
import { linkTo, publishes } from './link.ts';
import { interfacesOf } from './names.ts';
import type { PortBook } from './port-book.ts';
import type { NetworkRecord } from './record.ts';
import { Turns } from './turns.ts';

export interface ContainerNetworksParts {
  readonly containers: ContainerStore;
  readonly runtime: Pick<Runtime, 'state'>;
  /** Where networks are described. */
  readonly netconfPath: string;
  /** Where network namespaces are kept. */
  readonly namespaces: string;
  readonly ports: PortBook;
  readonly files: ContainerFiles;
  readonly network: Omit<ContainerNetworkParts, 'gone'>;
  readonly log: Log;
}

/** The networks of all running containers that have settings. */
export class ContainerNetworks implements NetworksPlugin {
  readonly #parts: ContainerNetworksParts;
  readonly #running = new Map<string, ContainerNetwork>();
  /** Who changes settings reads them first: two at once would lose one's change. */
  readonly #changes = new Turns();
  readonly attendant: TaskAttendant = {
    attend: (scope, container) =>
      container.extensions[settingsKey] === undefined ? undefined : this.#attend(scope, container),
  };

  constructor(parts: ContainerNetworksParts) {
    this.#parts = parts;
  }

  /** Those whose network is there or being made. */
  *everybody(): Iterable<NetworkRecord> {
    for (const one of this.#running.values()) if (one.ending === undefined) yield one.record;
  }

  find(key: Pick<NetworkRecord, 'namespace' | 'id'>): ContainerNetwork | undefined {
    return this.#running.get(keyOf(key));
  }

  /** Takes a record of an earlier life, to go on with it or to end it. */
  recall(record: NetworkRecord): ContainerNetwork {
    return this.#add(record);
  }

  connect(scope: Scope, id: string, attachment: NetworkAttachment): Promise<void> {
    return this.#changes.take(() => this.#connect(scope, id, attachment));
  }

  disconnect(scope: Scope, id: string, network: string): Promise<void> {
    return this.#changes.take(() => this.#disconnect(scope, id, network));
  }

  async #connect(scope: Scope, id: string, attachment: NetworkAttachment): Promise<void> {
    const { container, settings } = await this.#ofNetworks(scope, id);
    const { attachments } = settings.network;
    if (attachments.some(({ network }) => network === attachment.network))
      throw alreadyExists(`endpoint with name ${settings.name} already exists in network ${attachment.network}`);
    const file = await this.#file(scope, attachment.network, settings);
    const changed = withAttachments(settings, [...attachments, attachment]);
    await this.#live(scope, id)?.connect(file, attachment, changed);
    await this.#save(scope, container, changed);
  }

  async #disconnect(scope: Scope, id: string, network: string): Promise<void> {
    const { container, settings } = await this.#ofNetworks(scope, id);
    const rest = settings.network.attachments.filter((one) => one.network !== network);
    if (rest.length === settings.network.attachments.length)
      throw notFound(`container ${id} is not connected to network ${network}`);
    const changed = withAttachments(settings, rest);
    const live = this.#live(scope, id);
    if (live?.record.links.some(({ attachment }) => attachment.network === network) === true)
      await live.disconnect(network, changed);
    await this.#save(scope, container, changed);
  }

  async state(scope: Scope, id?: string): Promise<readonly ConnectedContainer[]> {
    await this.#noticeEnds(scope);
    const mine = [...this.everybody()].filter(
      (record) => record.namespace === scope.namespace && (id === undefined || record.id === id),
    );
    return mine.map((record) => ({ id: record.id, name: record.settings.name, interfaces: interfacesOf(record) }));
  }

  /** Whose task was deleted just now is in no network, even if nobody has told us yet. */
  async #noticeEnds(scope: Scope): Promise<void> {
    const all = [...this.#running.values()].filter(({ record }) => record.namespace === scope.namespace);
    await Promise.all(
      all.map(async (one) => {
        if (one.started && (await this.#task(scope, one.record.id)) === undefined) void one.end();
        await one.ending;
      }),
    );
  }

  /** Settles when nothing is being taken down any more, also of those whose end nobody has told us yet. Never throws. */
  async settled(): Promise<void> {
    const namespaces = new Set([...this.#running.values()].map(({ record }) => record.namespace));
    await Promise.all(
      [...namespaces].map((namespace) =>
        this.#noticeEnds(scopeOf(namespace)).catch((error: unknown) =>
          this.#parts.log.warn('a task that does not answer keeps its network', { namespace, error }),
        ),
      ),
    );
  }

  /** A container's record has changed: its name may have. */
  async changed(scope: Scope, id: string): Promise<void> {
    const live = this.#live(scope, id);
    if (live === undefined) return;
    const settings = settingsOf(await this.#parts.containers.get(scope, id));
    if (settings !== undefined) await live.renamed(settings);
  }

  async #attend(scope: Scope, container: Container): Promise<Attendance | undefined> {
    const settings = settingsOf(container);
    switch (settings?.network.mode) {
      case undefined:
        return undefined;
      case 'networks':
        return await this.#connected(scope, container, settings as ContainerSettings);
      case 'container':
        return await this.#joining(scope, container, settings as ContainerSettings);
      default: {
        await this.#parts.files.alone({ ...nameOf(scope, container.id), settings: settings as ContainerSettings });
        return { spec: container.spec, ready: Promise.resolve(), abandon: async () => {} };
      }
    }
  }

  /** A namespace of its own, linked to networks. */
  async #connected(scope: Scope, container: Container, settings: ContainerSettings): Promise<Attendance> {
    const name = nameOf(scope, container.id);
    await this.#free(scope, container.id);
    const { attachments } = settings.network;
    const files = await Promise.all(attachments.map(({ network }) => this.#file(scope, network, settings)));
    if (this.find(name) !== undefined) throw alreadyExists(`task ${container.id}`); // somebody was faster
    const ports = this.#takePorts(name, settings);
    const publishing = files.findIndex(publishes);
    const live = this.#add({
      ...{ ...name, ports, ready: false, netns: namespacePath(this.#parts.namespaces, name) },
      settings: inUse(settings),
      links: [],
    });
    try {
      const links = files.map((file, at) =>
        linkTo(file, attachments[at] as NetworkAttachment, `eth${at}`, at === publishing ? ports : []),
      );
      await live.prepare(links);
      const ready = live.make();
      ready.catch(() => {});
      if (namesInterfaces(container.spec)) await ready;
      const { netns } = live.record;
      return {
        spec: withNetwork(container.spec, netns),
        ready: ready.catch((thrown: unknown) => {
          throw wrap(thrown, 'failed to set up container networking');
        }),
        created: (pid) => live.created(pid),
        abandon: () => live.end(),
      };
    } catch (thrown) {
      await live.end();
      throw thrown;
    }
  }

  #takePorts(name: Pick<NetworkRecord, 'namespace' | 'id'>, { name: called, network }: ContainerSettings) {
    try {
      return this.#parts.ports.take(keyOf(name), network.ports);
    } catch (thrown) {
      throw wrap(thrown, `driver failed programming external connectivity on endpoint ${called} (${name.id})`);
    }
  }

  /** The network of an earlier run must have gone. @throws already_exists while the container runs, or is being made */
  async #free(scope: Scope, id: string): Promise<void> {
    const before = this.find(nameOf(scope, id));
    if (before === undefined) return;
    // What has no process yet is being made by somebody else.
    const inUse = before.ending === undefined && (!before.started || (await this.#task(scope, id)) !== undefined);
    if (inUse) throw alreadyExists(`task ${id}`);
    await before.end();
  }

  /** The namespace of another container, which must run. */
  async #joining(scope: Scope, container: Container, settings: ContainerSettings): Promise<Attendance> {
    const { target } = settings.network;
    const task = await this.#task(scope, target);
    if (task === undefined) {
      await this.#parts.containers.get(scope, target).catch((thrown: unknown) => {
        throw isFault(thrown, 'not_found') ? notFound(`No such container: ${target}`) : thrown;
      });
      throw failedPrecondition(`cannot join network of a non running container: ${target}`);
    }
    await this.#parts.files.alone({ ...nameOf(scope, container.id), settings });
    const netns = this.#live(scope, target)?.record.netns ?? `/proc/${task.pid}/ns/net`;
    const shared = sharedFiles(scope, await this.#parts.containers.get(scope, target));
    return {
      spec: withNetwork(container.spec, netns, shared),
      ready: Promise.resolve(),
      abandon: async () => {},
    };
  }

  async #task(scope: Scope, id: string): Promise<Process | undefined> {
    try {
      const task = await this.#parts.runtime.state(scope, id, '');
      return task.status === 'stopped' ? undefined : task;
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }

  async #file({ namespace }: Scope, network: string, settings: ContainerSettings): Promise<NetworkFile> {
    const netconfPath = settings.network.netconfPath ?? this.#parts.netconfPath;
    if (network === defaultNetworkName) return await ensureDefaultNetwork(netconfPath, namespace);
    return await getNetwork(netconfPath, namespace, network);
  }

  async #ofNetworks(scope: Scope, id: string) {
    const container = await this.#parts.containers.get(scope, id);
    const settings = settingsOf(container);
    if (settings === undefined) throw failedPrecondition(`container ${id} has no networks that are kept here`);
    const { mode } = settings.network;
    if (mode === 'container')
      throw failedPrecondition(
        'container sharing network namespace with another container or host cannot be connected to any other network',
      );
    if (mode === 'host')
      throw failedPrecondition(
        'cannot connect container to host network - container must be created in host network mode',
      );
    if (mode !== 'networks')
      throw failedPrecondition(
        'container cannot be connected to multiple networks with one of the networks in private (none) mode',
      );
    return { container, settings };
  }

  #live(scope: Scope, id: string): ContainerNetwork | undefined {
    const found = this.find(nameOf(scope, id));
    return found?.ending === undefined ? found : undefined;
  }

  async #save(scope: Scope, container: Container, settings: ContainerSettings): Promise<void> {
    const extensions = { ...container.extensions, [settingsKey]: packSettings(settings) };
    await this.#parts.containers.update(scope, { ...container, extensions }, [`extensions.${settingsKey}`]);
  }

  #add(record: NetworkRecord): ContainerNetwork {
    const key = keyOf(record);
    const gone = (one: ContainerNetwork) => {
      if (this.#running.get(key) === one) this.#running.delete(key);
    };
    const live = new ContainerNetwork({ ...this.#parts.network, gone }, record);
    this.#running.set(key, live);
    return live;
  }
}

const nameOf = ({ namespace }: Scope, id: string) => ({ namespace, id });

const inUse = ({ name, stateDir, dataStore, hostname, domainname, network }: ContainerSettings) => ({
  ...{ name, stateDir, dataStore, hostname, domainname, network },
});

const withAttachments = (
  settings: ContainerSettings,
  attachments: readonly NetworkAttachment[],
): ContainerSettings => ({
  ...settings,
  network: { ...settings.network, attachments },
});

/** The files that say who and where a container is, for who shares its network. */
function sharedFiles({ namespace }: Scope, container: Container): SharedFiles {
  const settings = settingsOf(container);
  if (settings === undefined) return {};
  const { stateDir, dataStore } = settings;
  return {
    '/etc/hosts': join(layoutAt(dataStore).hosts(namespace, container.id), 'hosts'),
    '/etc/hostname': join(stateDir, 'hostname'),
    '/etc/resolv.conf': join(stateDir, 'resolv.conf'),
  };
}
