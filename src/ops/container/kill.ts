import { fault, isFault, wrap } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import type { Engine } from '../engine.ts';
import { parseSignal } from './parse/signal.ts';
import { wishStopped } from './restart-wish.ts';
import { sigkill } from './signal.ts';
import { resume, sendSignal } from './stop.ts';
import { isAlive, taskOf } from './task-state.ts';

/** Sends a signal to a container's first process. One that is to end it keeps the daemon from starting it again. @throws conflict when it does not run */
export async function killContainer(engine: Engine, container: Container, signalText = 'SIGKILL'): Promise<void> {
  const signal = parseSignal(signalText);
  const { id } = container;
  const task = await taskOf(engine, id);
  if (!isAlive(task)) throw fault('conflict', `Cannot kill container: ${id}: Container ${id} is not running`);
  const ends = signal === sigkill || signal === parseSignal(settingsOf(container)?.stopSignal || 'SIGTERM');
  if (ends) await wishStopped(engine, container);
  try {
    await sendSignal(engine, id, signal);
  } catch (thrown) {
    throw isFault(thrown, 'canceled') ? thrown : wrap(thrown, `Cannot kill container: ${id}`);
  }
  if (ends && task.status !== 'running') await resume(engine, id);
}
