import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTask } from '#client/task';
import { fifoIo, nullIo } from '#client/task-io';
import {
  type ContainerSettings,
  type NetworkSettings,
  packSettings,
  settingsKey,
} from '#core/engine/container-settings';
import { type NetworkState, readNetworkState } from '#core/engine/network-state';
import { bridgeChain, formatConflist } from '#lib/cni/default-network';
import { type BusyboxDaemon, startBusyboxDaemon } from './busybox-daemon.ts';
import { execIn, makeContainer, removeContainer } from './containers.ts';
import type { TestDaemonOptions } from './daemon.ts';

/** A daemon with networks that nobody else on this machine has: their directory, subnets, bridges and addresses. */
export interface NetworkRig extends AsyncDisposable, Pick<BusyboxDaemon, 'daemon' | 'client' | 'scope'> {
  readonly directory: string;
  readonly netconfPath: string;
  /** The first three numbers of the network `bridge`'s addresses. */
  readonly prefix: string;
  settings(id: string, network?: Partial<NetworkSettings>, more?: Partial<ContainerSettings>): ContainerSettings;
  /** A container that runs; what it says goes nowhere. */
  run(
    id: string,
    args: readonly string[],
    network?: Partial<NetworkSettings>,
    more?: Partial<ContainerSettings>,
  ): Promise<void>;
  state(id: string): Promise<NetworkState>;
  /** What a command in it printed, and its exit code. */
  exec(id: string, ...args: readonly string[]): Promise<{ readonly out: string; readonly code: number }>;
  end(id: string): Promise<void>;
  /** Takes down a container that has ended, or ends it. */
  remove(id: string): Promise<void>;
  /** Writes a further bridge network. Its subnet's third number follows from its place. */
  /** A plugin that notes what it is asked, in a file, and takes seconds for an ADD. */
  slowPlugin(name: string, notes: string): void;
  stepsOf(notes: string): string;
  /** What the machine has of networks that are these containers': rules, interfaces on the bridges, namespaces, addresses, CNI's notes. */
  traces(): readonly string[];
  addNetwork(name: string, change?: (plugins: readonly Plugin[]) => readonly Plugin[]): string;
}
type Plugin = Parameters<typeof formatConflist>[2][number];

let made = 0;

export async function startNetworkRig(options: TestDaemonOptions = {}): Promise<NetworkRig> {
  await using open = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'berth-net-'));
  open.defer(() => rmSync(directory, { recursive: true, force: true }));
  const netconfPath = join(directory, 'net.d');
  mkdirSync(netconfPath);
  const base = 1 + (process.pid % 200);
  const bridges: string[] = [];
  open.defer(() => {
    for (const bridge of bridges) {
      try {
        execFileSync('ip', ['link', 'del', bridge], { stdio: 'ignore' });
      } catch {} // never made
      forgetIsolation(bridge);
    }
  });
  const addNetwork = (name: string, change = (plugins: readonly Plugin[]) => plugins): string => {
    const at = made++;
    const bridge = `zz${process.pid.toString(36)}n${at}`;
    bridges.push(bridge);
    const prefix = `10.${base}.${at % 250}`;
    const ipam = {
      type: 'host-local',
      dataDir: join(directory, 'addresses'),
      ranges: [[{ subnet: `${prefix}.0/24`, gateway: `${prefix}.1` }]],
      routes: [{ dst: '0.0.0.0/0' }],
    };
    const chain = bridgeChain({ bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam }, 'same-bridge', false);
    writeFileSync(join(netconfPath, `nerdctl-${name}.conflist`), formatConflist(name, {}, change(chain)));
    return prefix;
  };
  const prefix = addNetwork('bridge');
  const plugins = join(directory, 'plugins');
  mkdirSync(plugins);
  const config = `[plugins.'io.berth.network.v1.networks']\nnetconfpath = '${netconfPath}'\ncni_path = ['${plugins}', '/usr/lib/cni', '/opt/cni/bin']\n${options.config ?? ''}`;
  const { daemon, client, scope, top } = open.use(await startBusyboxDaemon({ ...options, config }));
  const settings: NetworkRig['settings'] = (id, network = {}, more = {}) => ({
    name: id,
    stateDir: join(directory, 'containers', scope.namespace, id),
    dataStore: directory,
    hostname: id.slice(0, 12),
    domainname: '',
    autoRemove: false,
    network: {
      ...{ mode: 'networks', target: '', ports: [], extraHosts: [] },
      attachments: [attach('bridge')],
      dns: { servers: [], search: [], options: [] },
      ...network,
    },
    streams: {
      ...{ terminal: false, openStdin: false, stdinOnce: false, stdin: '', stdout: '', stderr: '' },
      ...{ logDriver: 'none', logOptions: {}, logPath: '' },
    },
    ...{ stopSignal: 'SIGTERM', stopTimeout: 10, anonymousVolumes: [], mounts: [], config: {}, hostConfig: {} },
    ...more,
  });
  const remove: NetworkRig['remove'] = async (id) => {
    await end(id);
    await removeContainer(client, scope, id);
  };
  const end: NetworkRig['end'] = async (id) => {
    const exit = client.tasks.wait(scope, id, '').catch(() => {}); // it has none
    await client.tasks.kill(scope, id, { execId: '', signal: 9, all: true }).catch(() => {});
    await exit;
    await client.tasks.delete(scope, id).catch(() => {});
  };
  open.defer(async () => {
    for (const { id } of await client.containers.list(scope)) await remove(id);
  });
  let execs = 0;
  const rig = {
    ...{ daemon, client, scope, directory, netconfPath, prefix, settings, remove, end, addNetwork },
    run: async (id, args, network, more) => {
      const own = settings(id, network, more);
      const files = [
        ['/etc/hosts', join(directory, 'etchosts', scope.namespace, id, 'hosts')],
        ['/etc/resolv.conf', join(own.stateDir, 'resolv.conf')],
        ['/etc/hostname', join(own.stateDir, 'hostname')],
      ] as const;
      const mounts = files.map(([destination, source]) => ({ destination, source, type: 'bind', options: ['bind'] }));
      const container = await makeContainer(client, scope, id, {
        ...{ top, args },
        spec: (spec) => ({ ...spec, mounts: [...(spec.mounts ?? []), ...mounts] }),
      });
      const extensions = { [settingsKey]: packSettings(own) };
      const updated = await client.containers.update(scope, { ...container, extensions }, ['extensions']);
      await createTask(client, scope, updated, nullIo().stdio);
      await client.tasks.start(scope, id, '');
    },
    slowPlugin: (name, notes) => {
      const handOn = `sed 's/.*"prevResult"://; s/}$//'`;
      const script = `#!/bin/sh\necho $CNI_COMMAND >> ${notes}\n[ $CNI_COMMAND = ADD ] && sleep 2 && ${handOn}\nexit 0\n`;
      writeFileSync(join(plugins, name), script, { mode: 0o755 });
    },
    stepsOf: (notes) => (existsSync(notes) ? readFileSync(notes, 'utf8') : ''),
    traces: () => {
      const ours = (line: string) => line.includes(` 10.${base}.`) || line.includes(`${scope.namespace}-`);
      const rules = execFileSync('iptables-save').toString().split('\n').filter(ours);
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
      const namespaces = mounts.filter((line) => line.includes(' nsfs ') && line.includes(daemon.state));
      const notes = readdirSync('/var/lib/cni', { recursive: true, encoding: 'utf8' }).filter(ours);
      const ports = bridges.flatMap((one) =>
        existsSync(`/sys/class/net/${one}`) ? readdirSync(`/sys/class/net/${one}/brif`) : [],
      );
      const kept = join(directory, 'addresses');
      const addresses = existsSync(kept) ? readdirSync(kept, { recursive: true, encoding: 'utf8' }) : [];
      return [...rules, ...namespaces, ...notes, ...ports, ...addresses.filter((name) => /\/\d+\.[\d.]+$/.test(name))];
    },
    state: (id) => readNetworkState(settings(id).stateDir),
    exec: async (id, ...args) => {
      const execId = `x${execs++}`;
      const said: string[] = [];
      const hear = async (bytes: Uint8Array) => void said.push(Buffer.from(bytes).toString());
      const options = { terminal: false, fifoDir: join(directory, 'fifos') };
      await using io = await fifoIo(execId, { stdout: hear, stderr: hear }, options);
      await execIn(client, scope, id, execId, args, io);
      const { exitStatus } = await client.tasks.wait(scope, id, execId);
      await client.tasks.deleteProcess(scope, id, execId);
      await io.drained;
      return { out: said.join(''), code: exitStatus };
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  } satisfies NetworkRig;
  const held = open.move();
  return rig;
}

export const attach = (network: string, aliases: readonly string[] = []) => ({
  ...{ network, aliases, ip: '', ip6: '', mac: '' },
});

/** The firewall plugin keeps its rules of a bridge for good. */
function forgetIsolation(bridge: string): void {
  const rules = execFileSync('iptables-save', ['-t', 'filter']).toString().split('\n');
  for (const rule of rules.filter((line) => line.startsWith('-A CNI-ISOLATION') && line.includes(` ${bridge} `)))
    execFileSync('sh', ['-c', `iptables -w ${rule.replace(/^-A/, '-D')}`]);
}
