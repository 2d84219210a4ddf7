import { invalidArgument, notFound } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Scope } from '#core/scope';
import { referenceLabels } from '#core/transfer/references';
import { parseDockerReference, withDefaultTag } from '#lib/docker-reference';
import { parseBoundedJson } from '#lib/oci/bounded-json';
import { Fields } from '#lib/oci/fields';
import { decodeManifest } from '#lib/oci/manifest';
import { mediaTypes } from '#lib/oci/media-types';
import { formatReference } from '#lib/reference';
import { type ArchiveContent, type StoredFile, storeCompressed, storeDocument } from './archive-content.ts';

const maxImages = 4096;
const maxTags = 4096;
const maxLayers = 1024;

/**
 * The images of what `docker save` wrote: a manifest is made for each of them and stored. One descriptor for each tag, with the
 * image's full name among its annotations; one without a name where there is no tag.
 * @throws invalid_argument; not_found for a file that is named and not there
 */
export async function dockerImages(
  content: ContentStore,
  scope: Scope,
  document: Uint8Array,
  files: ArchiveContent['files'],
  options: { readonly forceCompress: boolean },
): Promise<readonly Descriptor[]> {
  const list = parseBoundedJson(document, { maxBytes: 20 << 20 });
  if (!Array.isArray(list)) throw invalidArgument('manifest.json: wanted a list');
  if (list.length > maxImages) throw invalidArgument(`manifest.json: more than ${maxImages} images`);
  const found: Descriptor[] = [];
  for (const [i, value] of list.entries()) {
    const entry = new Fields(value, `manifest.json[${i}]`);
    const layers: Descriptor[] = [];
    for (const name of entry.texts('Layers', maxLayers) ?? [])
      layers.push(await layerOf(content, scope, fileNamed(files, name), options.forceCompress));
    const config = fileNamed(files, entry.requiredText('Config'));
    const target = await storeManifest(content, scope, config, layers);
    const tags = entry.texts('RepoTags', maxTags) ?? [];
    if (tags.length === 0) found.push(target);
    for (const tag of tags) {
      const name = formatReference(withDefaultTag(parseDockerReference(tag)));
      const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tagOf(name) };
      found.push({ ...target, annotations });
    }
  }
  return found;
}

function fileNamed(files: ArchiveContent['files'], name: string): StoredFile {
  const file = files.get(name.replace(/^(?:\.?\/)+/, ''));
  if (file === undefined) throw notFound(`archive: file ${JSON.stringify(name.slice(0, 200))}`);
  return file;
}

async function layerOf(
  content: ContentStore,
  scope: Scope,
  file: StoredFile,
  forceCompress: boolean,
): Promise<Descriptor> {
  if (file.compression === 'none' && forceCompress) return storeCompressed(content, scope, file);
  const types = { none: mediaTypes.dockerLayer, gzip: mediaTypes.dockerLayerGzip, zstd: mediaTypes.dockerLayerZstd };
  return { mediaType: types[file.compression], digest: file.digest, size: file.size };
}

async function storeManifest(
  content: ContentStore,
  scope: Scope,
  config: StoredFile,
  layers: readonly Descriptor[],
): Promise<Descriptor> {
  const mediaType = mediaTypes.dockerManifest;
  const document = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: mediaTypes.dockerConfig, digest: config.digest, size: config.size },
    layers,
  };
  const bytes = Buffer.from(JSON.stringify(document));
  return storeDocument(content, scope, bytes, mediaType, referenceLabels(decodeManifest(bytes, mediaType)));
}

const tagOf = (name: string): string => name.slice(name.lastIndexOf(':') + 1);
