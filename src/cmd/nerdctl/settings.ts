import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import { list, oneOf, table, text, flag as toggle } from '#base/config';
import { invalidArgument, isFault, wrap } from '#base/errors';
import { defaultDataRoot } from '#core/engine/layout';
import type { EngineConfig } from '#ops/engine';
import type { Invocation } from '../cli/command.ts';
import type { Flags, Values } from '../cli/flags.ts';
import type { Globals } from './globals.ts';

/** What holds for one command, after flags, environment, `nerdctl.toml` and what is built in, in this order. */
export interface Settings extends EngineConfig {
  readonly debug: boolean;
  readonly debugFull: boolean;
}

/** `nerdctl.toml`, as containerd's nerdctl reads it. */
const file = table({
  address: text({ default: '/run/containerd/containerd.sock' }),
  bridge_ip: text(),
  cdi_spec_dirs: list(text(), { default: ['/etc/cdi', '/var/run/cdi'] }),
  cgroup_manager: oneOf(['cgroupfs', 'systemd', 'none'], { default: 'cgroupfs' }),
  cni_netconfpath: text({ default: '/etc/cni/net.d' }),
  cni_path: text(),
  data_root: text({ default: defaultDataRoot }),
  debug: toggle(),
  debug_full: toggle(),
  disable_hc_systemd: toggle(),
  dns: list(text()),
  dns_opts: list(text()),
  dns_search: list(text()),
  experimental: toggle({ default: true }),
  host_gateway_ip: text(),
  hosts_dir: list(text()),
  insecure_registry: toggle(),
  kube_hide_dupe: toggle(),
  namespace: text({ default: 'default' }),
  selinux_enabled: toggle(),
  snapshotter: text(),
  userns_remap: text(),
});
const usualPath = '/etc/nerdctl/nerdctl.toml';

/** @throws invalid_argument for a file that is not right, in a key that nothing knows too; for a flag with a value that cannot be */
export async function readSettings(
  invocation: Pick<Invocation<Flags, Globals>, 'io' | 'globals' | 'givenGlobals'>,
): Promise<Settings> {
  const { io, globals: flags, givenGlobals } = invocation;
  const from = await readFileSettings(io.env.NERDCTL_TOML ?? '');
  /** What a flag or its variable says; else the file. */
  const one = <K extends keyof Values<Globals>, T>(name: K, otherwise: T): T =>
    givenGlobals.has(name) ? (flags[name] as T) : otherwise;
  if (from.selinux_enabled) throw invalidArgument('selinux_enabled: there is no support for SELinux');
  const manager = one('cgroup-manager', from.cgroup_manager as string);
  if (manager !== 'cgroupfs' && manager !== 'systemd' && manager !== 'none')
    throw invalidArgument(`invalid cgroup manager ${JSON.stringify(manager)}: wanted cgroupfs, systemd or none`);
  return {
    address: one('address', from.address).replace(/^unix:\/\//, ''),
    namespace: one('namespace', from.namespace),
    snapshotter: one('snapshotter', from.snapshotter),
    dataRoot: one('data-root', from.data_root),
    cgroupManager: manager,
    insecureRegistry: one('insecure-registry', from.insecure_registry),
    hostsDirs: one('hosts-dir', from.hosts_dir),
    cniNetconfPath: one('cni-netconfpath', from.cni_netconfpath),
    cniPath: one('cni-path', from.cni_path),
    bridgeIp: one('bridge-ip', from.bridge_ip),
    hostGatewayIp: one('host-gateway-ip', from.host_gateway_ip),
    cdiSpecDirs: one('cdi-spec-dirs', from.cdi_spec_dirs),
    usernsRemap: one('userns-remap', from.userns_remap),
    experimental: one('experimental', from.experimental),
    kubeHideDupe: one('kube-hide-dupe', from.kube_hide_dupe),
    dns: { servers: from.dns, search: from.dns_search, options: from.dns_opts },
    debug: one('debug', from.debug),
    debugFull: one('debug-full', from.debug_full),
  };
}

/** The file that was asked for must be there; without a wish, the usual one may be. */
async function readFileSettings(asked: string) {
  const path = asked === '' ? usualPath : asked;
  const content = await readFile(path, 'utf8').catch((thrown: unknown) => {
    if (asked === '' && isFault(thrown, 'not_found')) return '';
    throw wrap(thrown, 'configuration');
  });
  const unknown = (keys: readonly string[], suggestion?: string): never => {
    const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
    throw invalidArgument(`${path}: unknown key ${keys.join('.')}${hint}`);
  };
  try {
    return file.read(parse(content), { file: path, path: [], unknown });
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    throw invalidArgument(
      `${path}: line ${thrown.line}, column ${thrown.column}: ${thrown.message.split('\n')[0]}`,
      thrown,
    );
  }
}
