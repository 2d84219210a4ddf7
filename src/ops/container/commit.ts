import { failedPrecondition, fault, invalidArgument, isFault, notImplemented } from '#base/errors';
import { unpackImage } from '#client/unpack';
import { writeBlob } from '#client/write-blob';
import type { Container } from '#core/containers/containers';
import type { Descriptor } from '#core/descriptor';
import { settingsOf } from '#core/engine/container-settings';
import { type FoundManifest, manifestFor, readBlob } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import { chainId, maxConfigBytes } from '#lib/oci/image-config';
import { mediaTypes } from '#lib/oci/media-types';
import { defaultPlatform, onlyPlatform, parsePlatform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { applyChanges, type RunWords } from '../image/changes.ts';
import { fullName } from '../image/find.ts';
import { refFor, withTrees } from './changes.ts';
import { nerdctlLabels } from './labels.ts';
import { taskOf } from './task-state.ts';

export interface CommitOptions {
  /** Empty: the image is named by its digest only. */
  readonly name?: string;
  readonly author?: string;
  readonly message?: string;
  /** Instructions of a Dockerfile that say how the image is run. */
  readonly changes?: readonly string[];
  /** Its processes stand still meanwhile, so that what they write is whole. */
  readonly pause?: boolean;
  readonly compression?: 'gzip' | 'zstd';
  readonly format?: 'docker' | 'oci';
}

type Json = Readonly<Record<string, unknown>>;

/** Makes an image of what a container is now: its image, and a layer with what has changed; volumes are not of it. @throws invalid_argument */
export async function commitContainer(
  engine: Engine,
  container: Container,
  options: CommitOptions = {},
): Promise<Image> {
  const { client, scope, config } = engine;
  const { name = '', format, compression = 'gzip' } = options;
  if (format === 'docker' && compression === 'zstd')
    throw notImplemented("zstd in docker's format, which has only gzip: ask for the format oci");
  const wanted = name === '' ? undefined : fullName(name);
  const label = container.labels[nerdctlLabels.platform] ?? '';
  const platform = label === '' ? defaultPlatform() : parsePlatform(label);
  const platforms = onlyPlatform(platform);
  const base = await baseOf(engine, container, platforms);
  const before = JSON.parse(
    Buffer.from(await readBlob(client.content, scope, base.manifest.config, maxConfigBytes)).toString(),
  ) as Json;
  await checkBase(engine, container, before);
  const run = applyChanges({ ...record(before.config), ...runWords(container) }, options.changes ?? []);
  await using lease = await client.lease(scope);
  const layer = await standing(engine, container, options.pause ?? true, () =>
    layerOf(engine, lease.scope, container, compression),
  );
  const isOci = format === undefined ? base.manifest.mediaType !== mediaTypes.dockerManifest : format === 'oci';
  const target = await writeImage(engine, lease.scope, {
    ...{ isOci: isOci || compression === 'zstd', layers: [...base.manifest.layers, layer.descriptor] },
    document: documentOf(before, run, layer.diffId, options, container),
  });
  const image = { name: wanted ?? `commit@${target.digest}`, target, labels: {} };
  const made = await client.images.create(lease.scope, image).catch(async (thrown: unknown) => {
    if (!isFault(thrown, 'already_exists')) throw thrown;
    return await client.images.update(lease.scope, image);
  });
  const found = await manifestFor(client.content, scope, target, platforms);
  await unpackImage(client, lease.scope, found, container.snapshotter || config.snapshotter);
  return made;
}

async function baseOf(
  { client, scope }: Engine,
  { id, image }: Container,
  platforms: Parameters<typeof manifestFor>[3],
): Promise<FoundManifest> {
  if (image === '') throw invalidArgument(`container ${id} was not made of an image`);
  const { target } = await client.images.get(scope, image);
  return await manifestFor(client.content, scope, target, platforms);
}

/**
 * The image's name may have moved since: the container's changes belong onto what it was made of and nothing else.
 * @throws failed_precondition when it is another now
 */
async function checkBase({ client, scope }: Engine, container: Container, config: Json): Promise<void> {
  const { id, image, snapshotter, snapshotKey } = container;
  const { parent } = await (await client.snapshotter(scope, snapshotter)).stat(scope, snapshotKey);
  const { diff_ids: diffIds } = record(config.rootfs);
  const base = Array.isArray(diffIds) && diffIds.length > 0 ? chainId(diffIds as Digest[]) : '';
  // What stands behind the chain's name says how ids are shifted.
  if (parent !== base && !parent.startsWith(`${base}-`))
    throw failedPrecondition(`container ${id} was made of another image than ${image} is now`);
}

/** Does it while nothing in the container runs, if that is wished; what ran goes on whatever happens. */
async function standing<T>(engine: Engine, { id }: Container, pause: boolean, work: () => Promise<T>): Promise<T> {
  const { client, scope } = engine;
  if (!pause || (await taskOf(engine, id))?.status !== 'running') return await work();
  await client.tasks.pause(scope, id);
  try {
    return await work();
  } finally {
    const after = { ...scope, signal: AbortSignal.timeout(resumeMs) };
    await client.tasks.resume(after, id).catch((thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) throw thrown;
    });
  }
}

const resumeMs = 30_000;

async function layerOf(
  engine: Engine,
  scope: Scope,
  container: Container,
  compression: 'gzip' | 'zstd',
): Promise<{ readonly descriptor: Descriptor; readonly diffId: string }> {
  const { client } = engine;
  const mediaType = compression === 'zstd' ? mediaTypes.ociLayerZstd : mediaTypes.ociLayerGzip;
  const descriptor = await withTrees(engine, scope, container, (lower, upper) =>
    client.differ.compare(scope, lower, upper, { ref: refFor('commit'), mediaType }),
  );
  const { labels } = await client.content.info(scope, descriptor.digest);
  const diffId = labels['containerd.io/uncompressed'];
  if (diffId === undefined) throw fault('internal', `layer ${descriptor.digest} does not say what it is uncompressed`);
  return { descriptor, diffId };
}

const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/** What of docker's Config of a container belongs to an image. */
const kept = [
  'User',
  'ExposedPorts',
  'Env',
  'Cmd',
  'Healthcheck',
  'Volumes',
  'WorkingDir',
  'Entrypoint',
  'Labels',
  'StopSignal',
  'Shell',
];

function runWords(container: Container): RunWords {
  const words = settingsOf(container)?.config ?? {};
  return Object.fromEntries(kept.flatMap((key) => (words[key] === undefined ? [] : [[key, words[key]]])));
}

function documentOf(
  before: Json,
  run: RunWords,
  diffId: string,
  { author = '', message = '' }: CommitOptions,
  { id }: Container,
): Json {
  const created = new Date().toISOString();
  const diffIds = record(before.rootfs).diff_ids as readonly string[] | undefined;
  const history = (before.history as readonly Json[] | undefined) ?? [];
  const by = Array.isArray(run.Cmd) ? run.Cmd.join(' ') : '';
  return {
    ...before,
    created,
    ...(author !== '' && { author }),
    config: run,
    rootfs: { type: 'layers', diff_ids: [...(diffIds ?? []), diffId] },
    history: [
      ...history,
      {
        created,
        created_by: by,
        ...(author !== '' && { author }),
        comment: message || `Committed from ${id.slice(0, 12)}`,
      },
    ],
  };
}

const dockerLayers = new Map<string, string>([
  [mediaTypes.ociLayer, mediaTypes.dockerLayer],
  [mediaTypes.ociLayerGzip, mediaTypes.dockerLayerGzip],
]);
const ociLayers = new Map([...dockerLayers].map(([oci, docker]) => [docker, oci]));

/** Configuration and manifest, with labels by which collections find what belongs to them. */
async function writeImage(
  { client }: Engine,
  scope: Scope,
  {
    isOci,
    layers,
    document,
  }: { readonly isOci: boolean; readonly layers: readonly Descriptor[]; readonly document: Json },
): Promise<Descriptor> {
  const bytesOf = (value: object) => Buffer.from(JSON.stringify(value));
  const mediaType = isOci ? mediaTypes.ociConfig : mediaTypes.dockerConfig;
  const config = await writeBlob(client.content, scope, { mediaType, bytes: bytesOf(document) });
  const names = isOci ? ociLayers : dockerLayers;
  const listed = layers.map((layer) => ({
    mediaType: names.get(layer.mediaType) ?? layer.mediaType,
    digest: layer.digest,
    size: layer.size,
  }));
  const manifestType = isOci ? mediaTypes.ociManifest : mediaTypes.dockerManifest;
  return await writeBlob(client.content, scope, {
    mediaType: manifestType,
    bytes: bytesOf({ schemaVersion: 2, mediaType: manifestType, config, layers: listed }),
    labels: {
      'containerd.io/gc.ref.content.config': config.digest,
      ...Object.fromEntries(listed.map(({ digest }, at) => [`containerd.io/gc.ref.content.l.${at}`, digest])),
    },
  });
}
