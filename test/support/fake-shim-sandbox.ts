import { setTimeout as wait } from 'node:timers/promises';
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import * as wire from '#api/runtime/sandbox/v1/sandbox_pb';
import type { Method } from '#lib/ttrpc/server';

/** How the fake shim is a sandbox. */
export interface FakeSandbox {
  /** `keeps account`: until it is stopped. `silent`: answers at once, and says nothing. `ends`: by itself, with status 3. */
  readonly wait: 'keeps account' | 'silent' | 'ends';
  /** Does not go when it is shut down. */
  readonly stays?: boolean;
}

const message = <D extends DescMessage>(schema: D, fields: MessageInitShape<D> = {} as never): Uint8Array =>
  toBinary(schema, create(schema, fields));
const timeNow = () => ({ seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: 0 });

/** The sandbox service of the fake shim. */
export function sandboxAnswers(how: FakeSandbox): Readonly<Record<string, Method>> {
  const stopped = Promise.withResolvers<void>();
  return {
    CreateSandbox: () => message(wire.CreateSandboxResponseSchema),
    StartSandbox: () => message(wire.StartSandboxResponseSchema, { pid: process.pid }),
    Platform: () => message(wire.PlatformResponseSchema, { platform: { os: 'linux', architecture: 'fake' } }),
    StopSandbox: () => {
      stopped.resolve();
      return message(wire.StopSandboxResponseSchema);
    },
    WaitSandbox: async () => {
      if (how.wait === 'silent') return message(wire.WaitSandboxResponseSchema);
      if (how.wait === 'ends') await wait(30);
      else await stopped.promise;
      return message(wire.WaitSandboxResponseSchema, { exitStatus: how.wait === 'ends' ? 3 : 0, exitedAt: timeNow() });
    },
    SandboxStatus: () => message(wire.SandboxStatusResponseSchema, { pid: process.pid, state: 'FAKE' }),
    PingSandbox: () => message(wire.PingResponseSchema),
    ShutdownSandbox: () => {
      if (how.stays === true) return message(wire.ShutdownSandboxResponseSchema);
      return process.exit(0);
    },
    SandboxMetrics: () => message(wire.SandboxMetricsResponseSchema),
  };
}
