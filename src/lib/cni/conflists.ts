import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault, notFound, wrap } from '#base/errors';
import { type NetworkConfig, parseList } from './network-config.ts';

/** A network on disk, in the form that nerdctl gives it: a list of CNI plugins with an id and labels. */
export interface NetworkFile {
  readonly path: string;
  readonly config: NetworkConfig;
  /** Empty in a file that nerdctl did not write. */
  readonly id: string;
  /** Undefined in a file that nerdctl did not write. */
  readonly labels: Readonly<Record<string, string>> | undefined;
}

/** A network's id is made of its name. */
export const networkId = (name: string): string => createHash('sha256').update(name).digest('hex');

export const networkPath = (directory: string, name: string): string => join(directory, `nerdctl-${name}.conflist`);

/** A network by name: of this directory, or of the one in it that is the namespace's own. @throws not_found; invalid_argument naming the file */
export async function getNetwork(directory: string, namespace: string, name: string): Promise<NetworkFile> {
  if (!name.includes('/')) {
    const own = await read(networkPath(directory, name));
    if (own?.config.name === name) return own;
  }
  const found = (await listNetworks(directory, namespace)).find(({ config }) => config.name === name);
  if (found === undefined) throw notFound(`network ${name} not found`);
  return found;
}

/** All of them by name; a file that is no network is left out. */
export async function listNetworks(directory: string, namespace: string): Promise<readonly NetworkFile[]> {
  const found: NetworkFile[] = [];
  for (const folder of [directory, join(directory, namespace)]) {
    for (const name of await conflistsIn(folder)) {
      const file = await read(join(folder, name)).catch(() => undefined); // others' files are not ours to judge
      if (file !== undefined && !found.some(({ config }) => config.name === file.config.name)) found.push(file);
    }
  }
  return found.sort((a, b) => (a.config.name < b.config.name ? -1 : 1));
}

/**
 * Writes a network's file in one go. With `exclusive` the first of two wins: false when there was one already.
 * Does not wait for the disk.
 */
export async function writeNetwork(
  path: string,
  text: string,
  { exclusive }: { exclusive: boolean },
): Promise<boolean> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o755 });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text, { mode: 0o644 });
  try {
    if (exclusive) await link(temporary, path);
    else await rename(temporary, path);
    return true;
  } catch (thrown) {
    if (isFault(thrown, 'already_exists')) return false;
    throw thrown;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function read(path: string): Promise<NetworkFile | undefined> {
  let text: Uint8Array;
  try {
    text = await readFile(path);
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
  try {
    const config = parseList(text);
    const { nerdctlID, nerdctlLabels } = JSON.parse(config.source) as Readonly<Record<string, unknown>>;
    return { path, config, id: typeof nerdctlID === 'string' ? nerdctlID : '', labels: labelsOf(nerdctlLabels) };
  } catch (thrown) {
    throw wrap(thrown, `CNI config file ${path}`);
  }
}

function labelsOf(value: unknown): NetworkFile['labels'] {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'));
}

async function conflistsIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.conflist')).sort();
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return [];
    throw thrown;
  }
}
