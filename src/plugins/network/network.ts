import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { flag, list, table, text } from '#base/config';
import { Events } from '#core/events/events';
import { Metadata } from '#core/metadata';
import { Networks } from '#core/networks/networks';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Runtime } from '#core/runtime/runtime';
import { BuiltinRunner } from './builtin/runner.ts';
import { CniRunner } from './cni-runner.ts';
import { ContainerFiles } from './container-files.ts';
import { hearEnds } from './ends.ts';
import { NameBook } from './name-book.ts';
import { NameServers } from './name-servers.ts';
import { ContainerNetworks } from './networks.ts';
import { PortBook } from './port-book.ts';
import { Records } from './record.ts';
import { restore } from './restore.ts';

/** Where distributions put CNI's plugins. */
const usualPath = ['/opt/cni/bin', '/usr/lib/cni', '/usr/local/libexec/cni', '/usr/libexec/cni', '/usr/local/lib/cni'];

/** Networks of containers that have settings. The others bring their own, or none. */
export default definePlugin({
  slot: Networks,
  id: 'networks',
  config: table({
    netconfpath: text({ default: '/etc/cni/net.d', help: 'Where networks are described, as CNI lists of plugins.' }),
    cni_path: list(text(), { default: usualPath, help: "Where CNI's plugins are looked for." }),
    builtin: flag({
      default: true,
      help: 'Whether the daemon itself does what the usual chain of plugins does (bridge, portmap, firewall, tuning, host-local, for IPv4), once they have made bridge and rules.',
    }),
    dns: flag({
      default: true,
      help: "Whether the daemon answers for containers' names, at the gateway address of each network.",
    }),
  }),
  needs: { metadata: one(Metadata), runtime: one(Runtime, 'task'), events: one(Events) },
  async start(context, { metadata, runtime, events }) {
    const { config, log, signal } = context;
    const namespaces = join(context.stateDir, 'netns');
    await mkdir(namespaces, { recursive: true, mode: 0o700 });
    const everybody = () => networks.everybody();
    const nameServers = new NameServers({ book: new NameBook(everybody), log, enabled: config.dns });
    const ports = new PortBook(() => nameServers.addresses);
    const files = new ContainerFiles({ everybody, log });
    const records = new Records(join(context.rootDir, 'records'));
    const environment = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin` };
    const builtin = config.builtin ? new BuiltinRunner(environment) : undefined;
    const runner = new CniRunner({ path: config.cni_path, environment, log, builtin });
    const networks: ContainerNetworks = new ContainerNetworks({
      ...{ containers: metadata.containers, runtime, namespaces, ports, files, log },
      netconfPath: config.netconfpath,
      network: { records, runner, ports, files, nameServers, log },
    });
    const hearing = hearEnds({ events, networks, signal, log });
    const restoring = await restore({ records, networks, runtime, namespaces, log });
    return Object.assign(networks, {
      [Symbol.asyncDispose]: async () => {
        await Promise.all([hearing, restoring.done, networks.settled()]);
        await nameServers[Symbol.asyncDispose]();
        ports[Symbol.dispose]();
      },
    });
  },
});
