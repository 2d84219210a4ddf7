import { Controller } from '#api/services/sandbox/v1/sandbox_pb';
import { internal } from '#base/errors';
import type { SandboxController } from '#core/sandboxes/controller';
import { clientOf, withScope } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';
import { anyToWire, mountToWire, platformFromWire } from '../values.ts';
import { endpointFromWire, moment, newSandboxToWire, sandboxMetricFromWire, statusFromWire } from './convert.ts';

/** A controller of a daemon, or of a plugin that is a process of its own. */
export function remoteSandboxController(transport: Transport, sandboxer: string): SandboxController {
  const client = clientOf(Controller, transport);
  return {
    create: async (scope, sandbox, { rootfs, options, netnsPath, annotations }) => {
      const request = {
        ...{ sandboxId: sandbox.id, sandboxer, rootfs: rootfs.map(mountToWire), netnsPath },
        ...(options !== undefined && { options: anyToWire(options) }),
        annotations: { ...annotations },
        sandbox: newSandboxToWire(sandbox),
      };
      await client.create(request, withScope(scope));
    },
    start: async (scope, sandboxId) => {
      const answer = await client.start({ sandboxId, sandboxer }, withScope(scope));
      const [createdAt, { pid, labels }] = [moment(answer.createdAt), answer];
      return { pid, labels, ...(createdAt !== undefined && { createdAt }), ...endpointFromWire(answer) };
    },
    platform: async (scope, sandboxId) => {
      const { platform } = await client.platform({ sandboxId, sandboxer }, withScope(scope));
      if (platform === undefined) throw internal('an answer without a platform');
      return platformFromWire(platform);
    },
    stop: async (scope, sandboxId, timeoutSecs = 0) => {
      await client.stop({ sandboxId, sandboxer, timeoutSecs }, withScope(scope));
    },
    wait: async (scope, sandboxId) => {
      const { exitStatus, exitedAt } = await client.wait({ sandboxId, sandboxer }, withScope(scope));
      const at = moment(exitedAt);
      return { exitStatus, ...(at !== undefined && { exitedAt: at }) };
    },
    status: async (scope, sandboxId, detail) => {
      const request = { sandboxId, sandboxer, verbose: detail === 'verbose' };
      return statusFromWire(sandboxId, await client.status(request, withScope(scope)));
    },
    shutdown: async (scope, sandboxId) => {
      await client.shutdown({ sandboxId, sandboxer }, withScope(scope));
    },
    metrics: async (scope, sandboxId) =>
      sandboxMetricFromWire((await client.metrics({ sandboxId, sandboxer }, withScope(scope))).metrics),
    update: async (scope, sandboxId, sandbox, fields) => {
      const request = { sandboxId, sandboxer, sandbox: newSandboxToWire(sandbox), fields: [...fields] };
      await client.update(request, withScope(scope));
    },
  };
}
