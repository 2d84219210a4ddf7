import type { Container } from '#core/containers/containers';
import type { PortMapping } from '#core/engine/container-settings';
import { readNetworkState } from '#core/engine/network-state';
import type { Engine } from '../engine.ts';
import { requireSettings } from './change-settings.ts';
import { isAlive, taskOf } from './task-state.ts';

/** The ports that are published now, with the addresses that are forwarded from; none while the container does not run. */
export async function publishedPorts(engine: Engine, container: Container): Promise<readonly PortMapping[]> {
  const { stateDir } = requireSettings(container);
  if (!isAlive(await taskOf(engine, container.id))) return [];
  const { ports, interfaces } = await readNetworkState(stateDir);
  // All addresses are those of the families that it has itself.
  const all = interfaces.some(({ ip6 }) => ip6 !== '') ? ['0.0.0.0', '::'] : ['0.0.0.0'];
  const published = ports.flatMap((port) => (port.hostIp === '' ? all.map((hostIp) => ({ ...port, hostIp })) : [port]));
  return published.sort(
    (a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol) || a.hostPort - b.hostPort,
  );
}
