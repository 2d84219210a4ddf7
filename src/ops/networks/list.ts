import type { Engine } from '../engine.ts';
import type { Filters } from '../filters.ts';
import { allNetworks, type Network } from './find.ts';
import { connectedContainers, usersOf } from './users.ts';

export const networkFilters = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'] as const;

/** The networks that match, by name. @throws invalid_argument for a filter's value */
export async function listNetworksBy(engine: Engine, filters: Filters): Promise<readonly Network[]> {
  const all = await allNetworks(engine);
  const dangling = filters.yesNo('dangling');
  const users = dangling === undefined ? [] : await connectedContainers(engine);
  return all.filter(
    (one) =>
      filters.some('name', (text) => matches(one.name, text)) &&
      filters.some('id', (text) => one.id.startsWith(text)) &&
      filters.exact('driver', one.driver) &&
      filters.exact('scope', 'local') &&
      filters.exact('type', one.predefined ? 'builtin' : 'custom') &&
      filters.labels(one.labels) &&
      (dangling === undefined || dangling === (!one.predefined && usersOf(one.name, users).length === 0)),
  );
}

/** A part of the name, or a pattern. */
function matches(name: string, text: string): boolean {
  if (name.includes(text)) return true;
  const anchored = /^(\^?)([\w.-]*)(\$?)$/.exec(text);
  if (anchored === null) return false;
  const [, start, middle = '', end] = anchored;
  return (start === '' || name.startsWith(middle)) && (end === '' || name.endsWith(middle)) && name.includes(middle);
}
