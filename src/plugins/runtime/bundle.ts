import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Any } from '#base/any';
import { alreadyExists, failedPrecondition, invalidArgument, isFault, wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { Log } from '#base/log';
import { unmountAll, unmountRecursive } from '#sys/mount';
import { mountsBelow } from '#sys/mountinfo';

/**
 * A container's directory while it has a task: `<state>/<namespace>/<id>/` with `config.json` (the spec, verbatim), `rootfs/`,
 * `work` (a link to a directory that survives reboots) and what tells a later daemon how to find the shim.
 */
export interface Bundle {
  readonly namespace: string;
  readonly id: string;
  readonly path: string;
}

export interface BundleRoots {
  /** Bundles; gone after a reboot. */
  readonly state: string;
  /** Work directories; not gone. */
  readonly work: string;
}

/** Makes the bundle, all of it or nothing. @throws already_exists */
export async function createBundle(roots: BundleRoots, namespace: string, id: string, spec: Any): Promise<Bundle> {
  const path = join(roots.state, namespace, id);
  const work = join(roots.work, namespace, id);
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  await mkdir(dirname(work), { recursive: true, mode: 0o711 });
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (thrown) {
    throw isFault(thrown, 'already_exists')
      ? alreadyExists(`bundle of task ${id}`, thrown)
      : wrap(thrown, `bundle of task ${id}`);
  }
  const bundle = { namespace, id, path };
  try {
    await failpoint?.('bundle.directory.made');
    await rm(work, { recursive: true, force: true }); // of a task that a reboot ended
    await mkdir(work, { mode: 0o711 });
    await Promise.all([
      mkdir(join(path, 'rootfs'), { mode: 0o711 }),
      symlink(work, join(path, 'work')),
      writeFile(join(path, 'config.json'), spec.value),
    ]);
    await openToMappedGroup(path, spec);
    await failpoint?.('bundle.made');
    return bundle;
  } catch (thrown) {
    await removeBundle(bundle);
    throw wrap(thrown, `bundle of task ${id}`);
  }
}

/**
 * Takes the bundle away. The name is free as soon as this returns; a root file system that is still mounted is detached first and
 * never descended into.
 */
export async function removeBundle(bundle: Bundle, log?: Log): Promise<void> {
  const work = await readlink(join(bundle.path, 'work')).catch(ifMissing);
  await unmountAll(join(bundle.path, 'rootfs'), { detach: true });
  const doomed = join(dirname(bundle.path), `.${basename(bundle.path)}`);
  if (await exists(doomed)) await removeTree(doomed);
  try {
    await rename(bundle.path, doomed);
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw wrap(thrown, `bundle of task ${bundle.id}`);
  }
  await failpoint?.('bundle.remove.renamed');
  await removeTree(doomed);
  await failpoint?.('bundle.removed');
  if (work !== undefined) await rm(work, { recursive: true, force: true });
  log?.debug('bundle removed', { id: bundle.id });
}

/**
 * Removes a bundle's directory with what a container without a root file system of its own has put into `rootfs`; never what is
 * mounted there. @throws failed_precondition when a mount cannot be detached: then nothing is removed
 */
export async function removeTree(path: string): Promise<void> {
  const rootfs = join(path, 'rootfs');
  await unmountAll(rootfs, { detach: true });
  // Empty nearly always; only if not is it worth to look whether a mount is below it.
  await rmdir(rootfs).catch(async (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOTEMPTY') return ifMissing(thrown);
    await unmountRecursive(rootfs, { detach: true });
    if (mountsBelow(await realpath(rootfs)).length > 0) throw failedPrecondition(`remove ${path}: still mounted`);
  });
  await rm(path, { recursive: true, force: true });
}

/** All bundles that are there, and the leftovers of removals that were cut short (their names begin with a dot). */
export async function listBundles(
  roots: BundleRoots,
): Promise<{ readonly bundles: readonly Bundle[]; readonly leftovers: readonly string[] }> {
  const bundles: Bundle[] = [];
  const leftovers: string[] = [];
  for (const namespace of await names(roots.state)) {
    for (const id of await names(join(roots.state, namespace))) {
      const path = join(roots.state, namespace, id);
      if (id.startsWith('.')) leftovers.push(path);
      else bundles.push({ namespace, id, path });
    }
  }
  return { bundles, leftovers };
}

/** Removes work directories that no bundle points to: a reboot left them. */
export async function removeOrphanWork(roots: BundleRoots): Promise<void> {
  for (const namespace of await names(roots.work)) {
    for (const id of await names(join(roots.work, namespace))) {
      if (!(await exists(join(roots.state, namespace, id))))
        await rm(join(roots.work, namespace, id), { recursive: true, force: true });
    }
  }
}

/** A file of the bundle as text; `undefined` when there is none. */
export const readBundleFile = (bundle: Bundle, name: string): Promise<string | undefined> =>
  readFile(join(bundle.path, name), 'utf8').catch(ifMissing);

export const writeBundleFile = (bundle: Bundle, name: string, text: string): Promise<void> =>
  writeFile(join(bundle.path, name), text);

/** In a user namespace the container's root must reach its bundle: through its group, and no further. */
async function openToMappedGroup(path: string, spec: Any): Promise<void> {
  const gid = mappedRootGroup(spec);
  if (gid === 0) return;
  await chown(path, 0, gid);
  await chmod(path, 0o710);
}

interface IdMap {
  readonly containerID?: unknown;
  readonly hostID?: unknown;
}

function mappedRootGroup(spec: Any): number {
  const text = new TextDecoder().decode(spec.value);
  if (!text.includes('gidMappings')) return 0;
  let parsed: { readonly linux?: { readonly gidMappings?: readonly IdMap[] } };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (thrown) {
    throw invalidArgument('spec is no JSON', thrown);
  }
  const host = parsed.linux?.gidMappings?.find((map) => map.containerID === 0 || map.containerID === undefined)?.hostID;
  return typeof host === 'number' && Number.isInteger(host) && host >= 0 ? host : 0;
}

const names = async (path: string): Promise<readonly string[]> => (await readdir(path).catch(ifMissing)) ?? [];
const exists = async (path: string): Promise<boolean> => (await lstat(path).catch(ifMissing)) !== undefined;

function ifMissing(thrown: unknown): undefined {
  if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return undefined;
  throw thrown;
}
