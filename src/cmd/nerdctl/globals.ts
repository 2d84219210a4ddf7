import { scopeOf } from '#core/scope';
import type { Engine } from '#ops/engine';
import { commandsFor, type Invocation } from '../cli/command.ts';
import { type Flags, flag, list, text } from '../cli/flags.ts';
import { Exit } from '../cli/io.ts';
import { readSettings, type Settings } from './settings.ts';
import { said } from './words.ts';

/** What stands before nerdctl's commands, and by their long names behind them. Without a value: see `settings.ts`. */
export const globals = {
  address: text('the daemon\'s address, optionally with "unix://"', {
    alias: ['a', 'host', 'H'],
    env: 'CONTAINERD_ADDRESS',
    shown: '/run/containerd/containerd.sock',
    completes: 'files',
  }),
  'bridge-ip': text('address and prefix of the default bridge', { env: 'NERDCTL_BRIDGE_IP' }),
  'cdi-spec-dirs': list('directories with CDI device descriptions'),
  'cgroup-manager': text('cgroupfs, systemd or none', { shown: 'cgroupfs' }),
  'cni-netconfpath': text('where networks are described', {
    env: 'NETCONFPATH',
    shown: '/etc/cni/net.d',
    completes: 'directories',
  }),
  'cni-path': text("where CNI's programs are", { env: 'CNI_PATH', completes: 'directories' }),
  'data-root': text('where names, volumes and logs are kept', {
    shown: '/var/lib/nerdctl',
    completes: 'directories',
  }),
  debug: flag('print what went wrong with its causes'),
  'debug-full': flag('the same, with the places in the code'),
  experimental: flag('features that may change', { env: 'NERDCTL_EXPERIMENTAL', shown: 'true' }),
  'host-gateway-ip': text('what "host-gateway" means in --add-host', { env: 'NERDCTL_HOST_GATEWAY_IP' }),
  'hosts-dir': list('directories with <registry>/hosts.toml', { completes: 'directories' }),
  'insecure-registry': flag('take registries without HTTPS, and certificates that nobody vouches for'),
  'kube-hide-dupe': flag("hide the kubelet's second names of images"),
  namespace: text('the namespace of everything', {
    alias: 'n',
    env: 'CONTAINERD_NAMESPACE',
    shown: 'default',
    completes: 'namespaces',
  }),
  snapshotter: text('what keeps the root file systems', {
    alias: 'storage-driver',
    env: 'CONTAINERD_SNAPSHOTTER',
    shown: 'overlayfs',
  }),
  'userns-remap': text('user whose subordinate ids containers run with'),
  version: flag('print the version', { alias: 'v' }),
};
export type Globals = typeof globals;
export type NerdctlInvocation<F extends Flags = Flags> = Invocation<F, Globals>;

const define = commandsFor<Globals>();

interface EngineCommand<F extends Flags> extends Omit<Parameters<typeof define<F>>[0], 'run'> {
  /** What it ends with when it fails, where that is not 1. */
  readonly failure?: number;
  run(engine: Engine, invocation: NerdctlInvocation<F>): Promise<number | undefined>;
}

/** A command that needs the daemon. What it throws is told in docker's words. */
export function command<F extends Flags>(spec: EngineCommand<F>) {
  return localCommand<F>({
    ...spec,
    run: async (settings, invocation) => {
      const { io } = invocation;
      const [{ openClient }, { layoutFor }] = await Promise.all([
        import('#client/client'),
        import('#core/engine/layout'),
      ]);
      await using client = openClient(settings.address, { environment: io.env });
      const scope = scopeOf(settings.namespace, { signal: io.signal });
      const layout = layoutFor(settings.dataRoot, settings.address);
      return await spec.run({ client, scope, layout, config: settings }, invocation);
    },
  });
}

interface LocalCommand<F extends Flags> extends Omit<EngineCommand<F>, 'run'> {
  run(settings: Settings, invocation: NerdctlInvocation<F>): Promise<number | undefined>;
}

/** One that does not. */
export function localCommand<F extends Flags>(spec: LocalCommand<F>) {
  return define<F>({
    ...spec,
    run: async (invocation) => {
      try {
        return await spec.run(await readSettings(invocation), invocation);
      } catch (thrown) {
        if (thrown instanceof Exit) throw thrown;
        throw new Exit(spec.failure ?? 1, said(thrown, invocation.globals));
      }
    },
  });
}
