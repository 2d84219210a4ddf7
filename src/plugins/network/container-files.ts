import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '#base/log';
import { layoutAt } from '#core/engine/layout';
import { type NetworkState, networkStateFile } from '#core/engine/network-state';
import { formatResolvConf } from '#lib/resolv-conf';
import { changeInPlace, copyHosts, writeHosts } from './hosts-file.ts';
import { extraHosts, hostsLines, interfacesOf } from './names.ts';
import type { NetworkRecord, SettingsInUse } from './record.ts';
import { resolvConfFor } from './resolver-file.ts';

export interface ContainerFilesParts {
  /** Everybody with a network at this moment. */
  readonly everybody: () => Iterable<NetworkRecord>;
  readonly log: Log;
}

type Owner = Pick<NetworkRecord, 'namespace' | 'id'> & { readonly settings: SettingsInUse };

/** The files by which a container, and others who look at it, know its network. */
export class ContainerFiles {
  readonly #parts: ContainerFilesParts;
  #due: Promise<void> | undefined;

  constructor(parts: ContainerFilesParts) {
    this.#parts = parts;
  }

  /** What must be there to be mounted: host name, hosts and resolv.conf, as far as they are known before there is a network. */
  async prepare({ namespace, id, settings }: Owner): Promise<void> {
    await mkdir(settings.stateDir, { recursive: true, mode: 0o700 });
    await Promise.all([
      changeInPlace(join(settings.stateDir, 'hostname'), () => `${settings.hostname}\n`),
      (settings.network.mode === 'host' ? copyHosts : writeHosts)(
        hostsPath({ namespace, id, settings }),
        extraHosts(settings, '127.0.0.1'),
      ),
      this.#resolvConf(settings, ''),
      writePorts(settings.stateDir, settings.network.ports),
    ]);
  }

  /** All that there is to say of a container that is in no network of ours. */
  async alone(owner: Owner): Promise<void> {
    await this.prepare(owner);
    const { mode, target } = owner.settings.network;
    const netns = mode === 'path' ? target : '';
    await writeState(owner.settings, { mode, netns, interfaces: [], ports: [] });
  }

  /** What is known now. */
  async write(record: NetworkRecord): Promise<void> {
    const { settings, links, ports, netns } = record;
    const nameServer = links.find((link) => link.nameServer !== '')?.nameServer ?? '';
    await Promise.all([
      writeHosts(hostsPath(record), hostsLines(record, this.#parts.everybody())),
      this.#resolvConf(settings, nameServer),
      writePorts(settings.stateDir, ports),
      writeMeta(record),
      writeState(settings, { mode: settings.network.mode, netns, interfaces: interfacesOf(record), ports }),
    ]);
  }

  /** Nothing of it is true any more. Without a state directory the container has been removed. */
  async ended({ settings }: NetworkRecord): Promise<void> {
    const state = { mode: settings.network.mode, netns: '', interfaces: [], ports: [] };
    await writeState(settings, state).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'ENOENT') throw thrown;
    });
  }

  /** Somebody came, went or has another name: everybody's hosts are written anew, soon, and once for many who come at once. */
  othersChanged(): void {
    this.#due ??= new Promise((resolve) => setTimeout(resolve, pauseMs)).then(async () => {
      this.#due = undefined;
      for (const record of this.#parts.everybody()) await this.#hosts(record);
    });
  }

  async #hosts(record: NetworkRecord): Promise<void> {
    if (!record.ready || record.links.length === 0) return;
    try {
      await writeHosts(hostsPath(record), hostsLines(record, this.#parts.everybody()));
    } catch (error) {
      const { namespace, id } = record;
      this.#parts.log.warn('hosts of a container are not up to date', { namespace, id, error });
    }
  }

  async #resolvConf({ stateDir, network }: SettingsInUse, nameServer: string): Promise<void> {
    const text = formatResolvConf(await resolvConfFor(network, nameServer));
    await changeInPlace(join(stateDir, 'resolv.conf'), () => text);
  }
}

/** Long enough for those who start together, and shorter than anybody's patience: names are answered for at once elsewhere. */
const pauseMs = 100;

const hostsPath = ({ namespace, id, settings }: Owner): string =>
  join(layoutAt(settings.dataStore).hosts(namespace, id), 'hosts');

async function writeState({ stateDir }: SettingsInUse, state: NetworkState): Promise<void> {
  const path = join(stateDir, networkStateFile);
  await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** As nerdctl has it, for programs that look there. */
async function writePorts(stateDir: string, ports: NetworkRecord['ports']): Promise<void> {
  const portMappings = ports.map(({ hostIp, hostPort, containerPort, protocol }) => ({
    HostPort: hostPort,
    ContainerPort: containerPort,
    Protocol: protocol,
    HostIP: hostIp === '' ? '0.0.0.0' : hostIp,
  }));
  await writeFile(join(stateDir, 'network-config.json'), JSON.stringify({ portMappings }), { mode: 0o600 });
}

/** By this nerdctl's own containers find ours. */
async function writeMeta(record: NetworkRecord): Promise<void> {
  const { namespace, id, settings } = record;
  const networks = interfacesOf(record).map(({ network, name, mac, ip, prefix, gateway, ip6, prefix6 }) => {
    const ips = [
      ...(ip === '' ? [] : [{ interface: 0, address: `${ip}/${prefix}`, gateway }]),
      ...(ip6 === '' ? [] : [{ interface: 0, address: `${ip6}/${prefix6}` }]),
    ];
    return [network, { cniVersion: '1.0.0', interfaces: [{ name, mac, sandbox: record.netns }], ips, dns: {} }];
  });
  const meta = {
    Namespace: namespace,
    ID: id,
    Networks: Object.fromEntries(networks),
    Hostname: settings.hostname,
    Domainname: settings.domainname,
    ExtraHosts: Object.fromEntries(settings.network.extraHosts.map(({ name, address }) => [name, address])),
    Name: settings.name,
  };
  await writeFile(join(hostsPath(record), '..', 'meta.json'), JSON.stringify(meta), { mode: 0o600 });
}
