import { invalidArgument, isFault, notFound } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { nameHolder } from '#core/engine/names';
import type { Engine } from '../engine.ts';
import { nerdctlLabels } from './labels.ts';

/**
 * The container that a word means: a name, an id, or the beginning of an id that only one has.
 *
 * @throws not_found, invalid_argument for a beginning that several have, both in docker's words
 */
export async function findContainer(engine: Engine, word: string): Promise<Container> {
  const found = await findContainerIfThere(engine, word);
  if (found === undefined) throw notFound(`No such container: ${word}`);
  return found;
}

/** The same, undefined when there is none. @throws invalid_argument */
export async function findContainerIfThere(engine: Engine, word: string): Promise<Container | undefined> {
  const { client, scope } = engine;
  // docker's inspect writes names with a slash, and its users copy them.
  const name = word.startsWith('/') ? word.slice(1) : word;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return undefined;
  if (/^[0-9a-f]{64}$/.test(name)) {
    const whole = await getIfThere(engine, name);
    if (whole !== undefined) return whole;
  }
  const holder = await nameHolder(engine.layout.names(scope.namespace), name);
  if (holder !== undefined) {
    const named = await getIfThere(engine, holder);
    if (named !== undefined) return named;
  }
  // Other tools' containers have their name in the label only.
  const found = await client.containers.list(scope, [
    `labels."${nerdctlLabels.name}"==${JSON.stringify(name)}`,
    `id~=${JSON.stringify(`^${name.replaceAll('.', '\\.')}`)}`,
  ]);
  const exact = found.find(({ id }) => id === name) ?? found.find(({ labels }) => labels[nerdctlLabels.name] === name);
  if (exact !== undefined) return exact;
  if (found.length > 1) throw invalidArgument(`multiple IDs found with provided prefix: ${word}`);
  return found[0];
}

async function getIfThere({ client, scope }: Engine, id: string): Promise<Container | undefined> {
  try {
    return await client.containers.get(scope, id);
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || isFault(thrown, 'invalid_argument')) return undefined;
    throw thrown;
  }
}
