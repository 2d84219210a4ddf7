import { invalidArgument, isFault } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { packSettings, settingsKey } from '#core/engine/container-settings';
import { claimName, releaseName } from '#core/engine/names';
import type { Engine } from '../engine.ts';
import { requireSettings } from './change-settings.ts';
import { nerdctlLabels } from './labels.ts';

/** Gives a container another name. @throws conflict when it is taken, invalid_argument for what is none: in docker's words */
export async function renameContainer(engine: Engine, container: Container, wanted: string): Promise<void> {
  const { client, scope, layout } = engine;
  const { id } = container;
  const settings = requireSettings(container);
  const name = wanted.startsWith('/') ? wanted.slice(1) : wanted;
  if (name === '') throw invalidArgument('Neither old nor new names may be empty');
  if (name === settings.name) throw invalidArgument('Renaming a container with the same name as its current name');
  const names = layout.names(scope.namespace);
  await claimName(names, { name, id }, (holder) => exists(engine, holder));
  let before: string;
  try {
    const present = await client.containers.get(scope, id);
    const known = requireSettings(present);
    before = known.name; // somebody may have given it another one meanwhile
    const extensions = { [settingsKey]: packSettings({ ...known, name }) };
    const labels = { [nerdctlLabels.name]: name };
    await client.containers.update(scope, { ...present, extensions, labels }, [
      `extensions.${settingsKey}`,
      `labels.${nerdctlLabels.name}`,
    ]);
  } catch (thrown) {
    await releaseName(names, { name, id });
    throw thrown;
  }
  if (before !== name) await releaseName(names, { name: before, id });
}

async function exists({ client, scope }: Engine, id: string): Promise<boolean> {
  try {
    await client.containers.get(scope, id);
    return true;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return false;
    throw thrown;
  }
}
