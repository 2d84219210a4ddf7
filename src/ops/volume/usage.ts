import { isFault } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { settingsOf } from '#core/engine/container-settings';
import { nerdctlLabels } from '../container/labels.ts';
import type { Engine } from '../engine.ts';

/** Which containers have which volumes mounted, running or not: ids by a volume's name. */
export async function volumeUsers({ client, scope }: Engine): Promise<ReadonlyMap<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  for (const container of await client.containers.list(scope))
    for (const name of volumesOf(container)) users.set(name, [...(users.get(name) ?? []), container.id]);
  return users;
}

/** Of other tools' containers the labels tell. */
function volumesOf(container: Container): ReadonlySet<string> {
  try {
    const settings = settingsOf(container);
    if (settings !== undefined)
      return new Set(settings.mounts.flatMap(({ type, name }) => (type === 'volume' ? [name] : [])));
  } catch (thrown) {
    if (!isFault(thrown, 'invalid_argument')) throw thrown;
  }
  const found = new Set<string>();
  for (const [label, value] of Object.entries(container.labels))
    if (label === nerdctlLabels.mounts || label.startsWith(`${nerdctlLabels.mounts}.`))
      for (const name of namesIn(value)) found.add(name);
  return found;
}

function namesIn(label: string): readonly string[] {
  let read: unknown;
  try {
    read = JSON.parse(label);
  } catch {
    return []; // another's label: nothing rests on it
  }
  return (Array.isArray(read) ? read : [read]).flatMap((one: unknown) => {
    const { Type: type, Name: name } = (one ?? {}) as { readonly Type?: unknown; readonly Name?: unknown };
    return type === 'volume' && typeof name === 'string' ? [name] : [];
  });
}
