import type { Container } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import type { Engine } from '../engine.ts';
import { changeSettings } from './change-settings.ts';
import { startContainer } from './start.ts';
import { type StopOptions, stopContainer } from './stop.ts';

/** Ends a container's process and starts it anew; one that does not run is started. One that goes with its process stays this time. */
export async function restartContainer(engine: Engine, container: Container, options: StopOptions = {}): Promise<void> {
  const removesItself = settingsOf(container)?.autoRemove ?? false;
  const setRemoval = async (autoRemove: boolean) =>
    void (await changeSettings(engine, container.id, (settings) => ({ ...settings, autoRemove })));
  if (removesItself) await setRemoval(false);
  try {
    await stopContainer(engine, container, options);
    await startContainer(engine, container);
  } finally {
    if (removesItself) await setRemoval(true);
  }
}
