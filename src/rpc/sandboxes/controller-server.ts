import { Controller, type ControllerCreateRequest } from '#api/services/sandbox/v1/sandbox_pb';
import { invalidArgument, notFound } from '#base/errors';
import type { CreateSandboxOptions, SandboxController } from '#core/sandboxes/controller';
import type { NewSandbox } from '#core/sandboxes/sandboxes';
import { defineService, type Service } from '../service.ts';
import { mountFromWire, platformToWire, timestampToWire } from '../values.ts';
import { endpointToWire, filledAny, newSandboxFromWire, sandboxMetricToWire, statusToWire } from './convert.ts';

/** The service of what runs sandboxes; every request names one of the controllers. */
export function serveSandboxControllers(controllers: ReadonlyMap<string, SandboxController>): Service {
  const of = ({ sandboxer }: { readonly sandboxer: string }): SandboxController => {
    if (sandboxer === '') throw invalidArgument('sandbox controller name can not be empty');
    const found = controllers.get(sandboxer);
    if (found === undefined) throw notFound(`failed to get sandbox controller by ${sandboxer}`);
    return found;
  };
  const empty = async (work: Promise<void>) => {
    await work;
    return {};
  };
  return defineService(Controller, {
    create: async (request, { scope }) => {
      const [controller, sandbox] = [of(request), sandboxOf(request)];
      await controller.create(scope, sandbox, optionsOf(request));
      return { sandboxId: sandbox.id };
    },
    start: async (request, { scope }) => {
      const { pid, createdAt, labels, endpoint } = await of(request).start(scope, request.sandboxId);
      return {
        ...{ sandboxId: request.sandboxId, pid, labels: { ...labels }, ...endpointToWire(endpoint) },
        ...(createdAt !== undefined && { createdAt: timestampToWire(createdAt) }),
      };
    },
    platform: async (request, { scope }) => ({
      platform: platformToWire(await of(request).platform(scope, request.sandboxId)),
    }),
    stop: async (request, { scope }) => empty(of(request).stop(scope, request.sandboxId, request.timeoutSecs)),
    wait: async (request, { scope }) => {
      const { exitStatus, exitedAt } = await of(request).wait(scope, request.sandboxId);
      return { exitStatus, ...(exitedAt !== undefined && { exitedAt: timestampToWire(exitedAt) }) };
    },
    status: async (request, { scope }) => {
      const { sandboxId, verbose } = request;
      return statusToWire(await of(request).status(scope, sandboxId, verbose ? 'verbose' : 'brief'));
    },
    shutdown: async (request, { scope }) => empty(of(request).shutdown(scope, request.sandboxId)),
    metrics: async (request, { scope }) => {
      const metric = await of(request).metrics(scope, request.sandboxId);
      return metric === undefined ? {} : { metrics: sandboxMetricToWire(metric) };
    },
    update: async (request, { scope }) => {
      const { sandboxId, sandbox, fields } = request;
      return empty(of(request).update(scope, sandboxId, newSandboxFromWire(sandbox), fields));
    },
  });
}

/** The record that comes with the request, or one with no more than the id. @throws invalid_argument for two ids */
function sandboxOf({ sandboxId, sandboxer, sandbox }: ControllerCreateRequest): NewSandbox {
  if (sandbox === undefined) {
    return { id: sandboxId, labels: {}, runtime: { name: '' }, sandboxer, extensions: {} };
  }
  const given = newSandboxFromWire(sandbox);
  if (given.id !== '' && sandboxId !== '' && given.id !== sandboxId) {
    throw invalidArgument(`sandbox ${JSON.stringify(sandboxId)} with the record of ${JSON.stringify(given.id)}`);
  }
  return { ...given, id: given.id || sandboxId, sandboxer };
}

function optionsOf({ rootfs, options, netnsPath, annotations }: ControllerCreateRequest): CreateSandboxOptions {
  const given = filledAny(options);
  return { rootfs: rootfs.map(mountFromWire), netnsPath, annotations, ...(given !== undefined && { options: given }) };
}
