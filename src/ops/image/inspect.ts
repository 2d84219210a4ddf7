import { notFound } from '#base/errors';
import { formatTimestamp } from '#base/timestamp';
import type { Image } from '#core/images/images';
import { familiarName } from '#lib/docker-reference';
import type { Platform } from '#lib/platform';
import { onlyPlatform } from '#lib/platform';
import type { Engine } from '../engine.ts';
import { contentSize, imageDetails } from './details.ts';
import { type FoundImage, familiarOf, referenceOf } from './find.ts';
import { TreeSizes } from './tree-size.ts';

type Json = Readonly<Record<string, unknown>>;

/** What docker's `image inspect` says. @throws not_found when nothing of it is here, or not for that platform */
export async function inspectImage(engine: Engine, { image, names }: FoundImage, platform?: Platform): Promise<Json> {
  const details = await imageDetails(engine, image, platform);
  if (details === undefined) throw notFound(`No such image: ${familiarOf(image.name)}`);
  const { config, rawConfig, manifest } = details;
  const { history = [] } = config;
  const size =
    (await new TreeSizes(engine).of(config)) || (await contentSize(engine, image, onlyPlatform(details.platform)));
  const { architecture, os, variant } = details.platform;
  return {
    Id: image.target.digest,
    RepoTags: names.flatMap(({ name }) => (referenceOf(name)?.tag === undefined ? [] : [familiarOf(name)])),
    RepoDigests: repositoryDigests(names),
    Parent: '',
    Comment: history.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    DockerVersion: textIn(rawConfig, 'docker_version'),
    Author: config.author ?? '',
    Config: dockerConfig(rawConfig),
    Architecture: architecture,
    ...(variant !== undefined && variant !== '' && { Variant: variant }),
    Os: os,
    Size: size,
    GraphDriver: { Data: null, Name: engine.config.snapshotter || 'overlayfs' },
    RootFS: { Type: 'layers', Layers: config.diffIds },
    Metadata: { LastTagTime: formatTimestamp(image.updatedAt) },
    Descriptor: { mediaType: image.target.mediaType, digest: image.target.digest, size: image.target.size },
    ManifestDigest: details.descriptor.digest,
    ConfigDigest: manifest.config.digest,
  };
}

const textIn = (of: Json, key: string): string => (typeof of[key] === 'string' ? of[key] : '');

function repositoryDigests(names: readonly Image[]): readonly string[] {
  const found = names.flatMap(({ name, target }) => {
    const reference = referenceOf(name);
    return reference === undefined ? [] : [`${familiarName(reference)}@${target.digest}`];
  });
  return [...new Set(found)];
}

/** The image's words in docker's order, with what is absent as docker writes it. */
function dockerConfig({ config }: Json): Json {
  const own = (typeof config === 'object' && config !== null ? config : {}) as Json;
  const usual = {
    Hostname: '',
    Domainname: '',
    User: '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(own.ExposedPorts !== undefined && { ExposedPorts: own.ExposedPorts }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: null,
    Cmd: null,
    Image: '',
    Volumes: null,
    WorkingDir: '',
    Entrypoint: null,
    OnBuild: null,
    Labels: null,
  };
  return { ...usual, ...own };
}

/** What the stores have of an image: containerd's own words, with the documents. */
export async function nativeImage(engine: Engine, { image }: FoundImage, platform?: Platform): Promise<Json> {
  const details = await imageDetails(engine, image, platform);
  return {
    Image: {
      Name: image.name,
      Labels: image.labels,
      Target: image.target,
      CreatedAt: formatTimestamp(image.createdAt),
      UpdatedAt: formatTimestamp(image.updatedAt),
    },
    ...(details !== undefined && {
      ManifestDesc: details.descriptor,
      Manifest: details.manifest,
      ImageConfigDesc: details.manifest.config,
      ImageConfig: details.rawConfig,
    }),
  };
}
