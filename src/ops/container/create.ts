import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { classOf, fault, invalidArgument, isFault, messageOf, wrap } from '#base/errors';
import { packSpec } from '#client/any-json';
import { type HostIds, prepareRemapped } from '#client/remap';
import type { Container } from '#core/containers/containers';
import { type ContainerSettings, packSettings, settingsKey } from '#core/engine/container-settings';
import { checkContainerName, claimName, nameHolder, nameTaken, releaseName } from '#core/engine/names';
import type { Mount } from '#core/mount';
import { type Scope, scopeOf } from '#core/scope';
import { inheritedLabels } from '#lib/oci/spec/image';
import { defaultPlatform, formatPlatform } from '#lib/platform';
import { readonlyMounts, withTempMount } from '#sys/mount';
import type { Engine } from '../engine.ts';
import { type Assembled, assemble } from './assemble.ts';
import { checkUserLabels, engineLabels } from './container-labels.ts';
import type { CreateOptions } from './create-options.ts';
import { ensureImage, type FoundImage } from './image.ts';
import { idMappings } from './spec/users.ts';

export interface CreatedContainer {
  readonly id: string;
  readonly container: Container;
  /** Of its snapshot; empty without one. */
  readonly mounts: readonly Mount[];
  readonly name: string;
  /** What was asked for and cannot be, and goes on without; in docker's words. */
  readonly warnings: readonly string[];
}

/**
 * Makes a container: its image, which is fetched when it is not here, its snapshot, volumes, name and record. When something of it cannot be, nothing of it
 * stays, but for the image.
 *
 * @throws invalid_argument, not_found, conflict (for the name) in docker's words; what registries say
 */
export async function createContainer(engine: Engine, options: CreateOptions): Promise<CreatedContainer> {
  const { created, released } = await createUnreleased(engine, options);
  await released;
  return created;
}

export interface Unreleased {
  readonly created: CreatedContainer;
  /** What kept its parts until it was there is gone: to be waited for before the client is closed. */
  readonly released: Promise<void>;
}

/** The same, not waiting for what is of no concern for a start. */
export async function createUnreleased(engine: Engine, options: CreateOptions): Promise<Unreleased> {
  const { name: wanted = '' } = options;
  checkUserLabels(options.labels ?? {});
  checkAnnotations(options.annotations ?? {});
  if (options.autoRemove && (options.restart?.name ?? 'no') !== 'no')
    throw invalidArgument('conflicting options: cannot specify both --restart and --rm');
  if (wanted !== '') await checkNameFree(engine, wanted);
  if (options.cidFile !== undefined) await checkCidFile(options.cidFile);
  const image = options.rootfs ? undefined : await ensureImage(engine, options);
  const id = randomBytes(32).toString('hex');
  const name = wanted === '' ? `${shortName(options.image)}-${id.slice(0, 5)}` : wanted;
  const undo = new AsyncDisposableStack();
  try {
    const { released, ...made } = await make(engine, { id, name, options, image, undo });
    undo.move();
    return { created: { id, name, ...made }, released };
  } catch (thrown) {
    await undone(undo, thrown);
    throw thrown;
  }
}

async function make(
  engine: Engine,
  making: Making & { readonly name: string },
): Promise<Omit<CreatedContainer, 'id' | 'name'> & Pick<Unreleased, 'released'>> {
  const { layout, scope } = engine;
  const { id, options, undo } = making;
  await using leases = new AsyncDisposableStack();
  const lease = leases.use(await engine.client.lease(scope));
  const leased: Engine = { ...engine, scope: lease.scope };
  const stateDir = layout.container(scope.namespace, id);
  undo.defer(() => rm(stateDir, { recursive: true, force: true }));
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { made, mounts } = await withRoot(leased, making, async ({ mounts, ...root }) => ({
    mounts,
    made: await assemble(leased, options, { ...making, stateDir, ...root }),
  }));
  const container = await record(leased, making, made);
  if (options.cidFile !== undefined) await writeCidFile(options.cidFile, id, undo);
  const released = leases.disposeAsync();
  released.catch(() => {}); // for who waits for it
  return { container, mounts, warnings: made.warnings, released };
}

/** @throws when it cannot be, with what led to it */
async function undone(undo: AsyncDisposableStack, thrown: unknown): Promise<void> {
  try {
    await undo.disposeAsync();
  } catch (left) {
    throw fault(classOf(thrown), `${messageOf(thrown)}; what was made stays: ${messageOf(left)}`, thrown);
  }
}

interface Making {
  readonly id: string;
  readonly options: CreateOptions;
  readonly image: FoundImage | undefined;
  readonly undo: AsyncDisposableStack;
}

export interface Root {
  /** A directory in which the image's files can be looked at while this is made. */
  readonly path: string;
  readonly fd: number;
  readonly ids: HostIds | undefined;
  readonly snapshotter: string;
}

/** Makes the container's own snapshot, and shows what is in it. */
async function withRoot<T>(
  engine: Engine,
  making: Making,
  use: (root: { readonly root: Root; readonly mounts: readonly Mount[] }) => Promise<T>,
): Promise<T> {
  const { client, scope, config } = engine;
  const { options, image, undo, id } = making;
  const { security = {}, namespaces = {} } = options;
  const ids = await idMappings(config.usernsRemap, namespaces);
  if (ids !== undefined && security.privileged)
    throw invalidArgument(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    );
  if (image === undefined)
    return await opened(options.image, (fd) =>
      use({ mounts: [], root: { path: options.image, fd, ids, snapshotter: '' } }),
    );
  const snapshotter = await client.snapshotterName(scope, config.snapshotter);
  const store = await client.snapshotter(scope, snapshotter);
  const prepare = () =>
    ids === undefined ? store.prepare(scope, id, image.root) : prepareRemapped(store, scope, id, image.root, ids);
  // Usually it is unpacked: only who finds that it is not pays for it.
  const mounts = await prepare().catch(async (thrown: unknown): Promise<readonly Mount[]> => {
    if (!isFault(thrown, 'not_found')) throw thrown;
    const { unpackImage } = await import('#client/unpack');
    await unpackImage(client, scope, image.found, snapshotter);
    return await prepare();
  });
  undo.defer(() => store.remove(afterwards(scope), id).catch(unlessGone));
  return await withTempMount(readonlyMounts(mounts), (path) =>
    opened(path, (fd) => use({ mounts, root: { path, fd, ids, snapshotter } })),
  );
}

/** What was made goes also when the work was interrupted, and when its lease is gone. */
export const afterwards = ({ namespace }: Scope): Scope =>
  scopeOf(namespace, { signal: AbortSignal.timeout(cleanupMs) });
const cleanupMs = 10_000;

/** Without the lease a collection may have been quicker. */
export function unlessGone(thrown: unknown): void {
  if (!isFault(thrown, 'not_found')) throw thrown;
}

async function opened<T>(path: string, use: (fd: number) => Promise<T>): Promise<T> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (thrown) {
    throw wrap(thrown, `rootfs ${path}`);
  }
  try {
    return await use(fd);
  } finally {
    closeSync(fd);
  }
}

/** The last step: the name, and then what makes it a container. */
async function record(
  engine: Engine,
  { id, name, options, image, undo }: Making & { readonly name: string },
  made: Assembled,
): Promise<Container> {
  const { client, scope, layout } = engine;
  const names = layout.names(scope.namespace);
  const exists = (other: string) => hasContainer(engine, other);
  await claimName(names, { name, id }, exists);
  undo.defer(() => releaseName(names, { name, id }));
  const settings: ContainerSettings = made.settings;
  const container = await client.containers.create(scope, {
    id,
    labels: {
      ...labelsOf(image, options),
      ...made.labels,
      ...engineLabels({
        namespace: scope.namespace,
        settings,
        options,
        platform: formatPlatform(image?.platform ?? defaultPlatform()),
        modes: made.modes,
        exposed: made.exposed,
      }),
    },
    image: image?.image.name ?? '',
    runtime: made.runtime,
    spec: packSpec(made.spec),
    snapshotter: made.snapshotter,
    snapshotKey: made.snapshotter === '' ? '' : id,
    extensions: { [settingsKey]: packSettings(settings) },
    sandboxId: '',
  });
  undo.defer(() => client.containers.delete(afterwards(scope), id).catch(unlessGone));
  return container;
}

/** The image's labels with the user's over them. */
export const labelsOf = (
  image: FoundImage | undefined,
  { labels = {} }: CreateOptions,
): Readonly<Record<string, string>> => ({
  ...(image === undefined ? {} : inheritedLabels(image.config.config)),
  ...labels,
});

async function hasContainer({ client, scope }: Engine, id: string): Promise<boolean> {
  try {
    await client.containers.get(scope, id);
    return true;
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || isFault(thrown, 'invalid_argument')) return false;
    throw thrown;
  }
}

/** Early, as fetching an image takes its time; the name is taken at the end. */
async function checkNameFree(engine: Engine, name: string): Promise<void> {
  checkContainerName(name);
  const holder = await nameHolder(engine.layout.names(engine.scope.namespace), name);
  if (holder !== undefined && (await hasContainer(engine, holder))) throw nameTaken(name, holder);
}

function checkAnnotations(annotations: CreateOptions['annotations'] = {}): void {
  if (Object.hasOwn(annotations, ''))
    throw invalidArgument('invalid Annotations: the empty string is not permitted as an annotation key');
}

async function checkCidFile(path: string): Promise<void> {
  try {
    closeSync(openSync(path, constants.O_RDONLY));
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw wrap(thrown, path);
    return;
  }
  throw fault(
    'already_exists',
    `container ID file found, make sure the other container isn't running or delete ${path}`,
  );
}

async function writeCidFile(path: string, id: string, undo: AsyncDisposableStack): Promise<void> {
  try {
    await writeFile(path, id, { flag: 'wx', mode: 0o644 });
  } catch (thrown) {
    throw wrap(thrown, `failed to create the container ID file ${join(dirname(path), basename(path))}`);
  }
  undo.defer(() => rm(path, { force: true }));
}

/** Of `docker.io/library/nginx:1`: `nginx`; of a directory its own name. */
function shortName(image: string): string {
  const last = basename(image.split('@')[0] ?? '').replace(/:.*$/, '');
  return last.replaceAll(/[^a-zA-Z0-9_.-]/g, '').replace(/^[^a-zA-Z0-9]+/, '') || 'container';
}
