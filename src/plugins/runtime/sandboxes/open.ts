import type { Events } from '#core/events/events';
import { SandboxEvents } from '#rpc/sandboxes/events';
import type { ShimHost } from '../environment.ts';
import { ShimBinaries } from '../shim-binary.ts';
import type { SandboxEnvironment } from './entry.ts';
import { recover } from './recover.ts';
import { ShimSandboxes } from './shim-controller.ts';

export interface SandboxesOptions extends Pick<ShimHost, 'roots' | 'limits' | 'daemon' | 'log'> {
  readonly events: Pick<Events, 'publish'>;
}

/** A controller that has taken back what an earlier one left running: within the load time-out, or the clean-up's where shims are dead. */
export async function openSandboxes({ events, ...options }: SandboxesOptions): Promise<ShimSandboxes> {
  const env: SandboxEnvironment = {
    ...options,
    binaries: new ShimBinaries(options.daemon.executable, options.log),
    sandboxes: new Map(),
    events: new SandboxEvents(events),
  };
  await recover(env);
  return new ShimSandboxes(env);
}
