import type { Container } from '#core/containers/containers';
import type { PortMapping } from '#core/engine/container-settings';
import { readNetworkState } from '#core/engine/network-state';
import type { Engine } from '../engine.ts';
import { requireSettings } from './change-settings.ts';
import { isAlive, taskOf } from './task-state.ts';

/** The ports that are published now; none while the container does not run. */
export async function publishedPorts(engine: Engine, container: Container): Promise<readonly PortMapping[]> {
  const { stateDir } = requireSettings(container);
  if (!isAlive(await taskOf(engine, container.id))) return [];
  const { ports } = await readNetworkState(stateDir);
  return [...ports].sort(
    (a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol) || a.hostPort - b.hostPort,
  );
}
