import { isFault, notFound } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { fromUnicode, toDisplay } from '#lib/tar/byte-text';
import type { TarEntry } from '#lib/tar/entry';
import { cleanPath } from '#lib/tar/paths';
import { TarReader } from '#lib/tar/reader';
import type { Engine } from '../engine.ts';

/** What is at a path in a container, links not followed; undefined for nothing. */
export async function statInContainer(
  { client, scope }: Engine,
  { id }: Container,
  path: string,
): Promise<TarEntry | undefined> {
  let found: TarEntry | undefined;
  const reader = new TarReader({ entry: (entry) => (found ??= entry), data: () => {}, end: () => {} });
  try {
    for await (const bytes of client.files.read(scope, id, path, { noWalk: true })) {
      reader.push(bytes);
      if (found !== undefined) break;
    }
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
  return found;
}

const mostLinks = 40;

/** Follows a path's last links; where they lead to nothing, the path where something could be made. */
export async function followInContainer(
  engine: Engine,
  container: Container,
  path: string,
): Promise<{ readonly path: string; readonly entry: TarEntry | undefined }> {
  let at = absolute(path);
  for (let links = 0; links < mostLinks; links++) {
    const entry = await statInContainer(engine, container, at);
    if (entry?.type !== 'symlink') return { path: at, entry };
    const target = toDisplay(entry.linkName);
    at = absolute(target.startsWith('/') ? target : `${at}/../${target}`);
  }
  throw notFound(`too many levels of links at ${path}`);
}

/** Without `.`, `..` and what they take away; nothing is above the root. */
export const absolute = (path: string): string => `/${toDisplay(cleanPath(fromUnicode(path)))}`;
