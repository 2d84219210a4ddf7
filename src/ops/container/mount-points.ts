import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { invalidArgument, isFault, notImplemented } from '#base/errors';
import type { HostIds } from '#client/remap';
import { rootSnapshot } from '#client/unpacked';
import { type MountPoint, settingsOf } from '#core/engine/container-settings';
import { anonymousLabel, ensureVolume, removeVolume } from '#core/volumes/volumes';
import type { SpecMount } from '#lib/oci/spec/spec';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { withTempMount } from '#sys/mount';
import type { Engine } from '../engine.ts';
import { findImage } from '../image/find.ts';
import { copyUp } from '../volume/copy-up.ts';
import { withVolumeLock } from '../volume/volume-lock.ts';
import { checkVolumeOptions, mountOfVolume, subdirectory } from '../volume/volume-source.ts';
import { afterwards, unlessGone } from './create.ts';
import type { MountOptions } from './create-options.ts';
import { findContainer } from './find.ts';

import { checkTarget, checkVolumeDriver, type VolumeRequest, type VolumesFrom } from './parse/volume.ts';
import { tmpfs } from './spec/mounts.ts';
import { hostRoot } from './spec/users.ts';

export interface MountPoints {
  readonly mounts: readonly SpecMount[];
  /** docker's `Mounts`. */
  readonly points: readonly MountPoint[];
  /** Volumes without a name of the user's. */
  readonly anonymous: readonly string[];
  /** What keeps views of images: labels for the container. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface MountContext {
  readonly id: string;
  readonly snapshotter: string;
  /** The image's root, for volumes that begin with what it has. */
  readonly rootFd: number;
  readonly ids: HostIds | undefined;
  readonly imageVolumes: readonly string[];
  /** What is to be done when there is no container after all. */
  readonly undo: AsyncDisposableStack;
}

interface Made {
  readonly mount: SpecMount;
  readonly point: MountPoint;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Makes volumes as far as there are none, and says what is to be mounted. @throws invalid_argument, not_found in docker's words */
export async function mountPoints(engine: Engine, options: MountOptions, context: MountContext): Promise<MountPoints> {
  const { volumes = [], tmpfs: inMemory = [], volumesFrom = [], volumeDriver = '' } = options;
  checkVolumeDriver(volumeDriver);
  const targets = [...volumes, ...inMemory].map(({ target }) => target);
  const twice = targets.find((target, at) => targets.indexOf(target) !== at);
  if (twice !== undefined) throw invalidArgument(`Duplicate mount point: ${twice}`);
  const taken = new Set(targets);
  const others = (await Promise.all(volumesFrom.map((from) => requestsFrom(engine, from)))).flat();
  const inherited = others.filter(({ target }) => !taken.has(target) && taken.add(target));
  const ofImage = context.imageVolumes
    .map((target) => checkTarget(target, target))
    .filter((target) => !taken.has(target) && taken.add(target))
    .map((target): VolumeRequest => ({ type: 'volume', source: '', target }));
  const made: Made[] = [];
  const anonymous: string[] = [];
  // One after the other: a volume may stand twice.
  for (const request of [...inherited, ...volumes, ...ofImage]) {
    const one = await make(engine, request, { ...context, at: made.length });
    made.push(one);
    if (request.type === 'volume' && request.source === '') anonymous.push(one.point.name);
  }
  return {
    mounts: [...made.map(({ mount }) => mount), ...inMemory.map(tmpfs)],
    points: [
      ...made.map(({ point }) => point),
      ...inMemory.flatMap(({ target, options: words, isMount }) => (isMount ? [tmpfsPoint(target, words)] : [])),
    ],
    anonymous,
    labels: Object.assign({}, ...made.map(({ labels = {} }) => labels)) as Record<string, string>,
  };
}

const tmpfsPoint = (destination: string, options: readonly string[]): MountPoint => ({
  type: 'tmpfs',
  name: '',
  source: '',
  destination,
  driver: '',
  mode: options.join(','),
  rw: !options.includes('ro'),
  propagation: '',
});

async function requestsFrom(engine: Engine, { container, mode }: VolumesFrom): Promise<readonly VolumeRequest[]> {
  const found = await findContainer(engine, container);
  const settings = settingsOf(found);
  if (settings === undefined) throw notImplemented(`volumes-from ${container}: it is not known what it has mounted`);
  return settings.mounts
    .filter(({ type }) => type === 'bind' || type === 'volume')
    .map((point) => ({
      type: point.type as 'bind' | 'volume',
      source: point.type === 'volume' ? point.name : point.source,
      target: point.destination,
      ...((mode === 'ro' || !point.rw) && { readOnly: true }),
      ...(point.propagation !== '' && point.type === 'bind' && { propagation: point.propagation }),
      mode,
    }));
}

type Context = MountContext & { readonly at: number };

async function make(engine: Engine, request: VolumeRequest, context: Context): Promise<Made> {
  // Without SELinux there are no labels, and everything has the right ones.
  if (request.relabel && existsSync('/sys/fs/selinux/enforce'))
    throw notImplemented(`${request.bind ?? request.target}: SELinux labels (z, Z)`);
  if (request.type === 'bind') return await bindMount(request);
  return await (request.type === 'image'
    ? imageMount(engine, request, context)
    : volumeMount(engine, request, context));
}

async function bindMount(request: VolumeRequest): Promise<Made> {
  const { source, target } = request;
  try {
    await stat(source);
  } catch (thrown) {
    if (!isFault(thrown, 'not_found')) throw thrown;
    if (request.createSource !== true)
      throw invalidArgument(`invalid mount config for type "bind": bind source path does not exist: ${source}`, thrown);
    await mkdir(source, { recursive: true, mode: 0o755 });
  }
  const propagation = request.propagation ?? 'rprivate';
  const options = [request.nonRecursive ? 'bind' : 'rbind', propagation, ...readOnlyWords(request, propagation)];
  return {
    mount: { destination: target, type: 'bind', source, options },
    point: { ...pointOf(request), type: 'bind', source, propagation },
  };
}

/** Read-only with all that is mounted below, where nothing comes from outside later. */
function readOnlyWords({ readOnly = false, readOnlyBelow, nonRecursive }: VolumeRequest, propagation: string) {
  if (!readOnly) return [];
  const below =
    readOnlyBelow === 'must' || (readOnlyBelow === undefined && !nonRecursive && /private/.test(propagation));
  return below ? ['ro', 'rro'] : ['ro'];
}

const pointOf = (request: VolumeRequest): Omit<MountPoint, 'type' | 'source'> => ({
  name: '',
  destination: request.target,
  driver: '',
  mode: request.mode ?? '',
  rw: request.readOnly !== true,
  propagation: '',
});

async function volumeMount(engine: Engine, request: VolumeRequest, context: Context): Promise<Made> {
  const { layout, scope } = engine;
  const { ids, undo, rootFd } = context;
  const { source, target, labels = {}, driverOptions = {}, driver = '', subpath = '' } = request;
  checkVolumeDriver(driver);
  checkVolumeOptions(driverOptions);
  const directory = layout.volumes(scope.namespace);
  const name = source === '' ? randomBytes(32).toString('hex') : source;
  const { volume, isNew } = await ensureVolume(directory, {
    name,
    labels: source === '' ? { [anonymousLabel]: '', ...labels } : labels,
    options: driverOptions,
    ...(ids !== undefined && { owner: { uid: hostRoot(ids.uids), gid: hostRoot(ids.gids) } }),
  });
  if (isNew) undo.defer(() => removeVolume(directory, name).catch(unlessGone));
  const whole = mountOfVolume(volume, target);
  if (request.noCopy !== true && subpath === '') {
    if (volume.options.device === undefined)
      await withVolumeLock(volume, scope.signal, () => copyUp(rootFd, target, volume.mountpoint));
    else if (whole.type === 'bind') await copyUp(rootFd, target, volume.options.device);
    else await withTempMount([asMount(whole)], (root) => copyUp(rootFd, target, root));
  }
  const mount = subpath === '' ? whole : { ...whole, source: await subdirectory(volume.mountpoint, subpath) };
  const options = [...(mount.options ?? []), ...(request.readOnly ? ['ro'] : [])];
  return {
    mount: { ...mount, options },
    point: {
      ...pointOf(request),
      type: 'volume',
      name,
      source: volume.mountpoint,
      driver: 'local',
      mode: request.mode || 'z',
    },
  };
}

const asMount = ({ type = '', source = '', options = [] }: SpecMount) => ({ type, source, target: '', options });

/** Another image's files: a view of them, kept by a label as long as the container is. */
async function imageMount(
  engine: Engine,
  request: VolumeRequest,
  { id, at, snapshotter, undo }: Context,
): Promise<Made> {
  const { client, scope } = engine;
  const { source, target, subpath = '' } = request;
  const { image } = await findImage(engine, source);
  const store = await client.snapshotter(scope, snapshotter);
  const key = `${id}-image-${at}`;
  const parent = await rootSnapshot(client, scope, image.target, onlyPlatform(defaultPlatform()));
  const [mount, ...more] = await store.view(scope, key, parent);
  undo.defer(() => store.remove(afterwards(scope), key).catch(unlessGone));
  if (mount === undefined || more.length > 0) throw notImplemented(`mount of image ${source}: several mounts make it`);
  if (subpath !== '' && mount.type !== 'bind')
    throw notImplemented(`image-subpath: ${source} has several layers, of which only the whole can be mounted`);
  const from = subpath === '' ? mount.source : await subdirectory(mount.source, subpath);
  return {
    mount: { destination: target, type: mount.type, source: from, options: [...mount.options] },
    point: { ...pointOf(request), type: 'image', source, rw: false },
    labels: { [`containerd.io/gc.ref.snapshot.${snapshotter}/${at}`]: key },
  };
}
