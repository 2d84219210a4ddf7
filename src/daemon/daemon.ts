import { isAbsolute } from 'node:path';
import { Deprecations } from '#base/deprecations';
import { invalidArgument } from '#base/errors';
import { armedFailpoints } from '#base/failpoints';
import type { Log } from '#base/log';
import { Metrics } from '#base/metrics';
import { Operations } from '#base/operations';
import { Tracing } from '#base/tracing';
import type { DaemonInfo, PluginReport } from '#core/plugin/daemon-info';
import { type AnyPlugin, type PluginContext, pluginName } from '#core/plugin/plugin';
import { Server } from '#core/servers/server';
import type { DaemonConfig } from './config/load.ts';
import type { TopConfig } from './config/schema.ts';
import { claimDirectories, pluginDirectories } from './directories.ts';
import { logState } from './dump.ts';
import { PluginGraph, type ShownByPlugin } from './graph/graph.ts';
import { tidyWhenIdle } from './idle-memory.ts';
import { applyProcessSettings } from './process-settings.ts';
import { freshTempDirectory } from './temp-directory.ts';

export interface DaemonOptions {
  readonly config: DaemonConfig;
  readonly log: Log;
  readonly version: string;
  readonly revision: string;
  readonly executable: string;
  /** When it fires while plugins start, no further one is started. */
  readonly signal: AbortSignal;
}

export interface Daemon extends AsyncDisposable {
  plugins(): readonly PluginReport[];
  /** Writes plugin states and pending operations into the log. */
  logState(): void;
}

/**
 * Takes root and state, starts the plugins, and serves. Disposing it stops the plugins in reverse; containers are not touched.
 *
 * @throws failed_precondition when another daemon has the directories; whatever kept a required plugin or a listener from starting
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, log } = options;
  const { top } = config;
  checkAddresses(top);
  for (const name of armedFailpoints()) log.warn('a failpoint is armed', { name });
  await using cleanup = new AsyncDisposableStack();
  await applyProcessSettings(top);
  cleanup.use(await claimDirectories(top.root, top.state));
  const stop = new AbortController();
  const disabled = new Set(top.disabled_plugins);
  const plugins = config.plugins.filter((plugin) => !disabled.has(pluginName(plugin)));
  const required = requiredNames(config, plugins);
  const tempDir = await freshTempDirectory(top.root, top.temp, log);
  const info = daemonInfo(options, tempDir, () => graph.reports());
  const graph: PluginGraph = cleanup.use(
    new PluginGraph({
      plugins,
      log,
      // A listener that was asked for and is not there would look like a daemon that hangs.
      required: (plugin) => required.has(pluginName(plugin)),
      contextOf: (plugin, shown) => contextOf(options, info, plugin, shown, stop.signal),
    }),
  );
  cleanup.defer(() => stop.abort());
  await graph.start(options.signal);
  cleanup.use(tidyWhenIdle(info.operations));
  const held = cleanup.move();
  return {
    plugins: () => graph.reports(),
    logState: () => logState(log, graph.reports(), info.operations),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

// What sockaddr_un has room for, without the final zero.
const maxSocketPath = 107;

/** Sockets are unix paths; TCP has keys of its own. @throws invalid_argument */
function checkAddresses({ grpc, ttrpc, debug }: TopConfig): void {
  const addresses = {
    grpc: grpc.address,
    ttrpc: ttrpc.address || `${grpc.address}.ttrpc`,
    debug: debug.address || '/',
  };
  for (const [table, address] of Object.entries(addresses)) {
    if (isAbsolute(address) && Buffer.byteLength(address) <= maxSocketPath) continue;
    const wanted = `the absolute path of a socket, at most ${maxSocketPath} bytes`;
    throw invalidArgument(`${table}: address: wanted ${wanted}, got ${JSON.stringify(address)}`);
  }
}

function requiredNames({ top }: DaemonConfig, plugins: readonly AnyPlugin[]): ReadonlySet<string> {
  const known = new Set(plugins.map(pluginName));
  for (const name of top.required_plugins) {
    if (!known.has(name))
      throw invalidArgument(`required_plugins: ${name}: wanted a plugin that exists and is not disabled`);
  }
  const listeners = {
    grpc: top.grpc.address,
    ttrpc: top.grpc.address,
    debug: top.debug.address,
    metrics: top.metrics.address,
  };
  const configured = Object.entries(listeners).flatMap(([id, address]) =>
    address === '' ? [] : [`${Server.uri}.${id}`],
  );
  return new Set([...top.required_plugins, ...configured]);
}

function daemonInfo(
  { config: { top, deprecations: old }, version, revision, executable }: DaemonOptions,
  tempDir: string,
  plugins: () => readonly PluginReport[],
): DaemonInfo {
  const deprecations = new Deprecations();
  for (const { id, message } of old) deprecations.note(id, message);
  return {
    root: top.root,
    state: top.state,
    address: top.grpc.address,
    ttrpcAddress: top.ttrpc.address === '' ? `${top.grpc.address}.ttrpc` : top.ttrpc.address,
    tempDir,
    version,
    revision,
    executable,
    debug: top.debug.level === 'debug' || top.debug.level === 'trace',
    streamProcessors: new Map(Object.entries(top.stream_processors)),
    operations: new Operations(),
    tracing: new Tracing(),
    deprecations,
    metrics: new Metrics(),
    timeout: (name, fallbackMs) =>
      Object.hasOwn(top.timeouts, name) ? (top.timeouts[name] ?? fallbackMs) : fallbackMs,
    plugins,
  };
}

function contextOf(
  { config, log }: DaemonOptions,
  daemon: DaemonInfo,
  plugin: AnyPlugin,
  shown: ShownByPlugin,
  signal: AbortSignal,
): PluginContext<unknown> {
  const name = pluginName(plugin);
  const directories = pluginDirectories(daemon.root, daemon.state, name);
  return {
    config: config.of(plugin),
    get rootDir() {
      return directories.rootDir;
    },
    get stateDir() {
      return directories.stateDir;
    },
    signal,
    log: log.with({ plugin: name }),
    daemon,
    ...shown,
  };
}
