import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alreadyExists, notFound } from '#base/errors';
import type { Log } from '#base/log';
import type { NetworkAttachment } from '#core/engine/container-settings';
import type { NetworkFile } from '#lib/cni/conflists';
import { type JsonObject, parseList } from '#lib/cni/network-config';
import { makeNetworkNamespace, removeNetworkNamespace } from '#sys/network';
import { interfaceOf } from './cni-result.ts';
import type { CniRunner } from './cni-runner.ts';
import type { ContainerFiles } from './container-files.ts';
import { hasGateway, linkTo } from './link.ts';
import type { NameServers } from './name-servers.ts';
import { namesOf } from './names.ts';
import type { PortBook } from './port-book.ts';
import type { Link, NetworkRecord, Records, SettingsInUse } from './record.ts';
import { Turns } from './turns.ts';

export interface ContainerNetworkParts {
  readonly records: Records;
  readonly runner: CniRunner;
  readonly ports: PortBook;
  readonly files: ContainerFiles;
  readonly nameServers: NameServers;
  readonly log: Log;
  /** It has ended, and nothing is left of it. */
  readonly gone: (network: ContainerNetwork) => void;
}

export const keyOf = ({ namespace, id }: Pick<NetworkRecord, 'namespace' | 'id'>): string => `${namespace}/${id}`;

/** One running container's network: from before its process is until after it has ended. One thing happens to it at a time. */
export class ContainerNetwork {
  readonly #parts: ContainerNetworkParts;
  readonly #turns = new Turns();
  #record: NetworkRecord;
  /** 0 until it is known. */
  #pid = 0;
  /** It is from an earlier life of the daemon; whose process it is may not be known even so. */
  #adopted = false;
  /** Ends that were heard of before anybody knew whose they are. */
  readonly #strayEnds = new Set<number>();
  #ending: Promise<void> | undefined;

  constructor(parts: ContainerNetworkParts, record: NetworkRecord) {
    this.#parts = parts;
    this.#record = record;
  }

  get record(): NetworkRecord {
    return this.#record;
  }

  /** Its process was there: when there is none any more it has ended. */
  get started(): boolean {
    return this.#pid !== 0 || this.#adopted;
  }

  get ending(): Promise<void> | undefined {
    return this.#ending;
  }

  /** Notes what is going to be, and makes the namespace and the files that a process needs to be made. */
  async prepare(links: readonly Link[]): Promise<void> {
    this.#record = { ...this.#record, links };
    await this.#parts.records.write(this.#record);
    await Promise.all([makeNetworkNamespace(this.#record.netns), this.#parts.files.prepare(this.#record)]);
  }

  /** Links it to its networks, one after the other. @throws what CNI's plugins say */
  make(): Promise<void> {
    return this.#turns.take(async () => {
      for (const link of this.#record.links) this.#replace(link, await this.#link(link));
      this.#record = { ...this.#record, ready: true };
      await this.#changed();
    });
  }

  /** Takes it over from an earlier life of the daemon. */
  adopt(pid: number): Promise<void> {
    this.#pid = pid;
    this.#adopted = true;
    return this.#turns.take(async () => {
      const { ports, log } = this.#parts;
      const { namespace, id } = this.#record;
      try {
        ports.take(keyOf(this.#record), this.#record.ports);
      } catch (error) {
        log.warn('a published port was taken while no daemon held it', { namespace, id, error });
      }
      for (const link of this.#record.links) this.#replace(link, { ...link, nameServer: await this.#nameServer(link) });
      await this.#changed();
    });
  }

  /** The process is there. */
  created(pid: number): void {
    this.#pid = pid;
    if (this.#strayEnds.has(pid)) void this.end();
  }

  /** A process with this container's name has ended: this one's, or an earlier one's. */
  processEnded(pid: number): void {
    if (!this.started) this.#strayEnds.add(pid);
    else if (this.#pid === pid || pid === 0 || this.#pid === 0) void this.end();
  }

  /** Takes everything down. Never throws: what cannot be taken down is logged, and tried again at the next start of the daemon. */
  end(): Promise<void> {
    this.#ending ??= this.#turns.take(() => this.#end());
    return this.#ending;
  }

  /** @throws already_exists; what CNI's plugins say */
  connect(file: NetworkFile, attachment: NetworkAttachment, settings: SettingsInUse): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#ending !== undefined) throw notFound(`running container ${this.#record.id}`);
      const { network } = attachment;
      if (this.#record.links.some((link) => link.attachment.network === network))
        throw alreadyExists(`endpoint with name ${settings.name} already exists in network ${network}`);
      const taken = this.#record.links.map(({ ifName }) => Number(ifName.slice(3)));
      const link = linkTo(file, attachment, `eth${Math.max(-1, ...taken) + 1}`, []);
      const before = this.#record;
      this.#record = { ...before, settings, links: [...before.links, link] };
      await this.#parts.records.write(this.#record);
      try {
        this.#replace(link, await this.#link(link));
      } catch (thrown) {
        this.#record = { ...before, settings: before.settings };
        await this.#parts.records.write(this.#record);
        throw thrown;
      }
      await this.#changed();
    });
  }

  /** @throws not_found; what CNI's plugins say */
  disconnect(network: string, settings: SettingsInUse): Promise<void> {
    return this.#turns.take(async () => {
      const link = this.#record.links.find(({ attachment }) => attachment.network === network);
      if (link === undefined || this.#ending !== undefined) throw notFound(`network ${network} of ${this.#record.id}`);
      await this.#parts.runner.remove(this.#record, link);
      this.#parts.nameServers.close(link.nameServer, this);
      this.#record = { ...this.#record, settings, links: this.#record.links.filter((one) => one !== link) };
      await this.#changed();
    });
  }

  /** Its names may be others now. */
  renamed(settings: SettingsInUse): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#ending !== undefined) return;
      const links = this.#record.links.map((link) => ({ ...link, ...named(link, settings, this.#record.id) }));
      this.#record = { ...this.#record, settings, links };
      await this.#changed();
    });
  }

  #replace(old: Link, link: Link): void {
    this.#record = { ...this.#record, links: this.#record.links.map((one) => (one === old ? link : one)) };
  }

  async #link(link: Link): Promise<Link> {
    const { settings, id } = this.#record;
    const { runner } = this.#parts;
    const result = await runner.add(this.#record, link);
    await isolate(link, result).catch(async (thrown: unknown) => {
      await runner.remove(this.#record, link);
      throw thrown;
    });
    const names = namesOf(settings, id, link.attachment.aliases);
    const linked = {
      ...link,
      interface: interfaceOf(result, { name: link.ifName, network: link.attachment.network, names }),
    };
    return { ...linked, nameServer: await this.#nameServer(linked) };
  }

  /** Where the names of this network are answered for, as far as it has a place for it. */
  async #nameServer(link: Link): Promise<string> {
    const address = link.interface?.gateway || link.interface?.gateway6 || '';
    if (address === '' || !hasGateway({ config: parseList(Buffer.from(link.conflist)) })) return '';
    return (await this.#parts.nameServers.open(address, this)) ? address : '';
  }

  async #changed(): Promise<void> {
    const { records, files } = this.#parts;
    await Promise.all([records.write(this.#record), files.write(this.#record)]);
    files.othersChanged();
  }

  async #end(): Promise<void> {
    const { records, runner, ports, files, nameServers, log } = this.#parts;
    const { namespace, id, netns, links } = this.#record;
    let failed = false;
    const orSay = (work: Promise<void>) =>
      work.catch((error: unknown) => {
        failed = true;
        log.error('something of a network is left', { namespace, id, error });
      });
    for (const link of links.toReversed()) {
      nameServers.close(link.nameServer, this);
      await orSay(runner.remove(this.#record, link));
    }
    await orSay(removeNetworkNamespace(netns));
    ports.give(keyOf(this.#record));
    this.#record = { ...this.#record, links: [], ports: [] };
    await orSay(files.ended(this.#record));
    if (!failed) await orSay(records.remove(this.#record));
    this.#parts.gone(this);
    files.othersChanged();
  }
}

/** Containers that are not to hear each other: plugins before 1.6 do not know the word. */
async function isolate({ conflist }: Link, result: JsonObject): Promise<void> {
  const bridge = parseList(Buffer.from(conflist)).plugins.find(({ config }) => config.portIsolation === true);
  if (bridge === undefined) return;
  const { interfaces = [] } = result as { readonly interfaces?: readonly { name?: string; sandbox?: string }[] };
  for (const { name = '', sandbox = '' } of interfaces)
    if (sandbox === '' && name !== bridge.config.bridge) await writeFile(`/sys/class/net/${name}/brport/isolated`, '1');
}

function named(link: Link, settings: SettingsInUse, id: string): Pick<Link, 'interface'> {
  if (link.interface === undefined) return {};
  return { interface: { ...link.interface, names: namesOf(settings, id, link.attachment.aliases) } };
}

export const namespacePath = (directory: string, { namespace, id }: Pick<NetworkRecord, 'namespace' | 'id'>): string =>
  join(directory, `${namespace}-${id}`);
