import type { Container } from '#core/containers/containers';
import { restartLabels } from '#core/engine/restart-labels';
import type { Labels } from '#core/labels';
import type { Engine } from '../engine.ts';

/** Whether the daemon starts it again when it ends. */
export function hasRestartPolicy({ labels }: Pick<Container, 'labels'>): boolean {
  const policy = labels[restartLabels.policy] ?? '';
  return policy !== '' && policy !== 'no';
}

/** Tells the daemon's monitor to leave it: before it is ended, so that the monitor never comes first. Nothing where there is no policy. */
export async function wishStopped(engine: Engine, container: Container): Promise<void> {
  if (!hasRestartPolicy(container)) return;
  await setLabels(engine, container, { [restartLabels.explicitlyStopped]: 'true' });
}

/** Puts it into the monitor's care again, as if it had never failed. */
export async function wishRunning(engine: Engine, container: Container): Promise<void> {
  if (!hasRestartPolicy(container)) return;
  await setLabels(engine, container, {
    [restartLabels.status]: 'running',
    [restartLabels.explicitlyStopped]: 'false',
    [restartLabels.count]: '0',
  });
}

/** Sets these labels and no others. */
export async function setLabels({ client, scope }: Engine, container: Container, labels: Labels): Promise<void> {
  const fields = Object.keys(labels).map((key) => `labels.${key}`);
  await client.containers.update(scope, { ...container, labels }, fields);
}
