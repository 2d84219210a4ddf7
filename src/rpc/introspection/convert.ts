import { create } from '@bufbuild/protobuf';
import {
  PluginSchema,
  type ServerResponse,
  ServerResponseSchema,
  type Plugin as WirePlugin,
} from '#api/services/introspection/v1/introspection_pb';
import { Fault } from '#base/errors';
import type { PluginInfo, ServerInfo } from '#core/introspection/introspection';
import { faultFromRpcStatus, rpcStatusOf } from '../status.ts';
import { numberFromWire, platformFromWire, platformToWire, someTimestampFromWire, timestampToWire } from '../values.ts';

export function pluginToWire(plugin: PluginInfo): WirePlugin {
  const { initError } = plugin;
  return create(PluginSchema, {
    type: plugin.type,
    id: plugin.id,
    requires: [...plugin.requires],
    platforms: plugin.platforms.map(platformToWire),
    exports: { ...plugin.exports },
    capabilities: [...plugin.capabilities],
    ...(initError !== undefined && { initErr: rpcStatusOf(new Fault(initError.class, initError.message)) }),
  });
}

export function pluginFromWire(wire: WirePlugin): PluginInfo {
  const error = wire.initErr === undefined ? undefined : faultFromRpcStatus(wire.initErr);
  return {
    type: wire.type,
    id: wire.id,
    requires: wire.requires,
    platforms: wire.platforms.map(platformFromWire),
    exports: wire.exports,
    capabilities: wire.capabilities,
    ...(error !== undefined && { initError: { class: error.class, message: error.message } }),
  };
}

export function serverToWire({ uuid, pid, pidNamespace, deprecations }: ServerInfo): ServerResponse {
  return create(ServerResponseSchema, {
    uuid,
    pid: BigInt(pid),
    pidns: BigInt(pidNamespace),
    deprecations: deprecations.map(({ id, message, lastSeen }) => ({
      id,
      message,
      ...(lastSeen !== undefined && { lastOccurrence: timestampToWire(lastSeen) }),
    })),
  });
}

export function serverFromWire({ uuid, pid, pidns, deprecations }: ServerResponse): ServerInfo {
  return {
    uuid,
    pid: numberFromWire(pid, 'pid'),
    pidNamespace: numberFromWire(pidns, 'pid namespace'),
    deprecations: deprecations.map(({ id, message, lastOccurrence }) => {
      const lastSeen = someTimestampFromWire(lastOccurrence);
      return { id, message, ...(lastSeen !== undefined && { lastSeen }) };
    }),
  };
}
