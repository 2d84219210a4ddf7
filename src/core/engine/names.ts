import { link, mkdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fault, invalidArgument, isFault } from '#base/errors';

/**
 * Which container has which name, as files: `<directory>/<name>` holds the id. A name that is taken is taken by whoever made its file, so that
 * programs need not agree on more than the directory (`Layout.names`).
 */
export interface NameHolder {
  readonly name: string;
  readonly id: string;
}

/** A claim without a container may belong to somebody who is about to make one. */
const claimMs = 60_000;
const pattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** As long as a file's name may be. */
const maxLength = 255;

/** @throws invalid_argument in docker's words */
export function checkContainerName(name: string): void {
  if (name.length > maxLength)
    throw invalidArgument(`Invalid container name (${name.slice(0, 32)}…): longer than ${maxLength} characters`);
  if (!pattern.test(name))
    throw invalidArgument(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

/** The id behind a name; undefined for one that nobody has. */
export async function nameHolder(directory: string, name: string): Promise<string | undefined> {
  if (name.length > maxLength || !pattern.test(name)) return undefined;
  try {
    return (await readFile(join(directory, name), 'utf8')).trim();
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
}

/**
 * Takes a name, also from a container that is no more.
 *
 * @param exists whether there is a container of that id
 * @throws invalid_argument for what is no name; conflict in docker's words when another has it
 */
export async function claimName(
  directory: string,
  { name, id }: NameHolder,
  exists: (id: string) => Promise<boolean>,
): Promise<void> {
  checkContainerName(name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Written first and then given its name, so that nobody reads half of it. The dot: no container is called so.
  const draft = join(directory, `.${id}.${process.pid}`);
  await writeFile(draft, id, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        return await link(draft, join(directory, name));
      } catch (thrown) {
        if (!isFault(thrown, 'already_exists')) throw thrown;
      }
      const holder = await nameHolder(directory, name);
      if (holder === id) return;
      if (holder !== undefined) await removeStale(directory, { name, id: holder }, exists);
    }
    throw nameTaken(name, '');
  } finally {
    await unlink(draft);
  }
}

/** Gives a name back, if it is still that container's. */
export async function releaseName(directory: string, { name, id }: NameHolder): Promise<void> {
  if ((await nameHolder(directory, name)) !== id) return;
  await unlink(join(directory, name)).catch((thrown: unknown) => {
    if (!isFault(thrown, 'not_found')) throw thrown;
  });
}

/** docker's answer to a name that is another's. */
export const nameTaken = (name: string, id: string) =>
  fault(
    'conflict',
    `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  );

async function removeStale(
  directory: string,
  { name, id }: NameHolder,
  exists: (id: string) => Promise<boolean>,
): Promise<void> {
  const path = join(directory, name);
  const claimed = await stat(path).catch((thrown: unknown) => {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  });
  if (claimed === undefined) return;
  if (Date.now() - claimed.mtimeMs < claimMs || (await exists(id))) throw nameTaken(name, id);
  const aside = join(directory, `.${id}.stale.${process.pid}`);
  try {
    await rename(path, aside);
    // Somebody may have been here in between, and have the name by now.
    if ((await readFile(aside, 'utf8')).trim() !== id) await link(aside, path);
    await unlink(aside);
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw thrown;
  }
}
