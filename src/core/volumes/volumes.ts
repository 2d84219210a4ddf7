import { randomUUID } from 'node:crypto';
import { chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument, isFault, notFound } from '#base/errors';

/** A directory that outlives containers, in nerdctl's layout: `<name>/_data` and beside it `volume.json`. */
export interface Volume {
  readonly name: string;
  /** What containers see of it: its `_data`. */
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the driver `local`: `type`, `o`, `device` of a mount to make in its place. */
  readonly options: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

export interface NewVolume {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  /** Whose root has it; the machine's when absent. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** The label of volumes that no user has named. */
export const anonymousLabel = 'com.docker.volume.anonymous';

const file = 'volume.json';

/**
 * The volume of that name, and whether it was made by this very call: of many who ask at the same time it is one's. Nobody ever sees half of one.
 *
 * @param directory of a namespace: `Layout.volumes`
 */
export async function ensureVolume(
  directory: string,
  wanted: NewVolume,
): Promise<{ readonly volume: Volume; readonly isNew: boolean }> {
  checkName(wanted.name);
  const known = await findVolume(directory, wanted.name);
  if (known !== undefined) return { volume: known, isNew: false };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(directory, `.${randomUUID().slice(0, 8)}-`));
  try {
    const data = join(draft, '_data');
    await mkdir(data, { mode: 0o755 });
    if (wanted.owner !== undefined) await chown(data, wanted.owner.uid, wanted.owner.gid);
    await writeFile(join(draft, file), JSON.stringify({ labels: wanted.labels ?? {}, options: wanted.options ?? {} }));
    await rename(draft, join(directory, wanted.name));
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true });
    if (!isTaken(thrown)) throw thrown;
    return { volume: await getVolume(directory, wanted.name), isNew: false };
  }
  return { volume: await getVolume(directory, wanted.name), isNew: true };
}

/** @throws not_found in docker's words */
export async function getVolume(directory: string, name: string): Promise<Volume> {
  const found = await findVolume(directory, name);
  if (found === undefined) throw notFound(`get ${name}: no such volume`);
  return found;
}

export async function findVolume(directory: string, name: string): Promise<Volume | undefined> {
  if (!namePattern.test(name) || name.length > maxName) return undefined;
  const mountpoint = join(directory, name, '_data');
  const data = await orNothing(stat(mountpoint));
  if (data === undefined || !data.isDirectory()) return undefined;
  const text = (await orNothing(readFile(join(directory, name, file), 'utf8'))) ?? '{}';
  const own = await stat(join(directory, name));
  return { name, mountpoint, ...noted(text, name), createdAt: own.birthtimeMs > 0 ? own.birthtime : own.mtime };
}

/** All of a namespace, by name. */
export async function listVolumes(directory: string): Promise<readonly Volume[]> {
  const names = (await orNothing(readdir(directory))) ?? [];
  const found = await Promise.all(names.sort().map((name) => findVolume(directory, name)));
  return found.filter((volume) => volume !== undefined);
}

/** Removes one with all that is in it. Whether somebody uses it is for the caller to know. @throws not_found in docker's words */
export async function removeVolume(directory: string, name: string): Promise<void> {
  await getVolume(directory, name);
  // Out of sight in one step, so that nobody finds half of it.
  const gone = join(directory, `.${randomUUID().slice(0, 8)}-gone`);
  await rename(join(directory, name), gone);
  await rm(gone, { recursive: true, force: true });
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const maxName = 255;

function checkName(name: string): void {
  if (name.length <= maxName && namePattern.test(name)) return;
  throw invalidArgument(`volume name ${JSON.stringify(name.slice(0, 64))}: wanted 2 to ${maxName} of [a-zA-Z0-9_.-]`);
}

/** nerdctl's file may have labels only, or be none. */
function noted(text: string, name: string): Pick<Volume, 'labels' | 'options'> {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw invalidArgument(`volume ${name}: its ${file} is no JSON`, cause);
  }
  const { labels, options } = (found ?? {}) as { readonly labels?: unknown; readonly options?: unknown };
  return { labels: texts(labels), options: texts(options) };
}

function texts(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string')) as Record<
    string,
    string
  >;
}

const isTaken = (thrown: unknown) => ['EEXIST', 'ENOTEMPTY'].includes((thrown as NodeJS.ErrnoException).code ?? '');

async function orNothing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
}
