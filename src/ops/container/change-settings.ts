import { invalidArgument } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { type ContainerSettings, packSettings, settingsKey, settingsOf } from '#core/engine/container-settings';
import type { Engine } from '../engine.ts';

/** Its settings. @throws invalid_argument for a container that another program has made, which has none */
export function requireSettings(container: Container): ContainerSettings {
  const settings = settingsOf(container);
  if (settings === undefined)
    throw invalidArgument(
      `container ${container.id} was made by another program, which alone knows how it is to be run`,
    );
  return settings;
}

/** Changes some of the settings as they are at this moment. @throws as `requireSettings`; not_found */
export async function changeSettings(
  { client, scope }: Engine,
  id: string,
  change: (settings: ContainerSettings) => ContainerSettings,
): Promise<Container> {
  const container = await client.containers.get(scope, id);
  const extensions = { [settingsKey]: packSettings(change(requireSettings(container))) };
  return await client.containers.update(scope, { ...container, extensions }, [`extensions.${settingsKey}`]);
}
