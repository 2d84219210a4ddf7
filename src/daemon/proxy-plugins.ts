import { invalidArgument } from '#base/errors';
import { ContentStore } from '#core/content/content';
import { Differ } from '#core/diff/diff';
import { Events } from '#core/events/events';
import { type AnyPlugin, definePlugin } from '#core/plugin/plugin';
import { one, type Slot } from '#core/plugin/slot';
import { SandboxController } from '#core/sandboxes/controller';
import { Snapshotter } from '#core/snapshots/snapshotter';
import { defaultPlatform, parsePlatform } from '#lib/platform';
import { remoteContent } from '#rpc/content/client';
import { remoteDiffer } from '#rpc/diff/client';
import { remoteSandboxController } from '#rpc/sandboxes/controller-client';
import { announced, SandboxEvents } from '#rpc/sandboxes/events';
import { remoteSnapshotter } from '#rpc/snapshots/client';
import { openTransport, type Transport } from '#rpc/transport';
import type { ProxyPluginConfig } from './config/schema.ts';

/**
 * The plugins that `[proxy_plugins]` declares: each stands for a process of its own behind a socket, with which it connects when it is
 * first called, and again when the process was started anew.
 *
 * @throws invalid_argument naming the table
 */
export function proxyPlugins(tables: Readonly<Record<string, ProxyPluginConfig>>): readonly AnyPlugin[] {
  return Object.entries(tables).map(([id, config]) => {
    if (config.address === '')
      throw invalidArgument(`proxy_plugins.${id}: address: wanted the path of a socket, got ""`);
    if (config.type === 'snapshot') return snapshotterOf(id, config);
    if (config.type === 'content') return proxy(id, config, ContentStore, remoteContent);
    if (config.type === 'diff') return proxy(id, config, Differ, remoteDiffer);
    if (config.type === 'sandbox') return sandboxerOf(id, config);
    throw invalidArgument(`proxy_plugins.${id}: type: wanted "snapshot", "content", "diff" or "sandbox", got ""`);
  });
}

function snapshotterOf(id: string, config: ProxyPluginConfig): AnyPlugin {
  const capabilities = new Set(config.capabilities.filter((each) => each === 'rebase'));
  return proxy(id, config, Snapshotter, (transport) => remoteSnapshotter(transport, id, { capabilities }));
}

function sandboxerOf(id: string, { address, exports, capabilities }: ProxyPluginConfig): AnyPlugin {
  return definePlugin({
    slot: SandboxController,
    id,
    exports: { ...exports, address },
    capabilities,
    needs: { events: one(Events) },
    start(_, { events }) {
      const transport = openTransport(address, undefined, { toPlugin: true });
      const controller = announced(remoteSandboxController(transport, id), new SandboxEvents(events));
      return { ...controller, [Symbol.asyncDispose]: async () => transport[Symbol.dispose]() };
    },
  });
}

function proxy<T extends object>(
  id: string,
  { address, platform, exports, capabilities }: ProxyPluginConfig,
  at: Slot<T>,
  connect: (transport: Transport) => T,
): AnyPlugin {
  return definePlugin({
    slot: at,
    id,
    platforms: at.perPlatform ? [platform === '' ? defaultPlatform() : parsePlatform(platform)] : [],
    exports: { ...exports, address },
    capabilities,
    start() {
      const transport = openTransport(address, undefined, { toPlugin: true });
      return Object.assign(connect(transport), { [Symbol.asyncDispose]: async () => transport[Symbol.dispose]() });
    },
  });
}
