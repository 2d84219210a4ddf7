import { invalidArgument, notImplemented } from '#base/errors';
import { parseBoundedJson } from './bounded-json.ts';
import { type OciDescriptor, readDescriptor } from './descriptor.ts';
import { Fields } from './fields.ts';
import { isIndexType, isManifestType, isSchema1Type } from './media-types.ts';

/** One image for one platform: its configuration and its layers from the bottom. */
export interface Manifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: OciDescriptor;
  readonly layers: readonly OciDescriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly subject?: OciDescriptor;
}

/** Several manifests or further indexes, usually one per platform. */
export interface Index {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly OciDescriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly subject?: OciDescriptor;
}

/** What registries take and give at most. */
export const maxManifestBytes = 4 << 20;

/**
 * Reads a manifest or index of the type that its descriptor (or the registry's answer) claims.
 *
 * @throws invalid_argument when it is bigger or deeper than allowed, malformed, of another kind than claimed, or could be read as either kind;
 * not_implemented for docker's schema 1 and types that are no manifest.
 */
export function decodeManifestOrIndex(
  bytes: Uint8Array,
  mediaType: string,
  maxBytes = maxManifestBytes,
): Manifest | Index {
  if (isManifestType(mediaType)) return decodeManifest(bytes, mediaType, maxBytes);
  if (isIndexType(mediaType)) return decodeIndex(bytes, mediaType, maxBytes);
  if (isSchema1Type(mediaType)) throw notImplemented('docker image manifest schema 1');
  throw notImplemented(`manifest of type ${JSON.stringify(mediaType.slice(0, 128))}`);
}

/** As `decodeManifestOrIndex`, for a manifest. */
export function decodeManifest(bytes: Uint8Array, mediaType: string, maxBytes = maxManifestBytes): Manifest {
  const fields = new Fields(parseBoundedJson(bytes, { maxBytes }), 'manifest');
  checkKind(fields, mediaType, isManifestType, indexKeys, 'expected manifest but found index');
  const config = fields.object('config');
  if (config === undefined) throw invalidArgument('manifest.config: missing');
  return {
    kind: 'manifest',
    mediaType,
    config: readDescriptor(config),
    layers: fields.objects('layers', maxLayers).map(readDescriptor),
    ...readRest(fields),
  };
}

/** As `decodeManifestOrIndex`, for an index. */
export function decodeIndex(bytes: Uint8Array, mediaType: string, maxBytes = maxManifestBytes): Index {
  const fields = new Fields(parseBoundedJson(bytes, { maxBytes }), 'index');
  checkKind(fields, mediaType, isIndexType, manifestKeys, 'expected index but found manifest');
  if (!fields.has('manifests')) throw invalidArgument('index.manifests: missing');
  return {
    kind: 'index',
    mediaType,
    manifests: fields.objects('manifests', maxManifests).map(readDescriptor),
    ...readRest(fields),
  };
}

/** More than any filesystem stacks. */
const maxLayers = 1024;
const maxManifests = 4096;
const indexKeys = ['manifests'];
const manifestKeys = ['config', 'layers', 'fsLayers'];
const known = ['schemaVersion', 'mediaType', 'annotations', 'artifactType', 'subject', ...indexKeys, ...manifestKeys];

/**
 * One digest must mean one thing to everybody who reads it: a document that is manifest and index at once would let a registry show
 * different images to different clients.
 */
function checkKind(
  fields: Fields,
  mediaType: string,
  isKind: (mediaType: string) => boolean,
  foreignKeys: readonly string[],
  mistaken: string,
): void {
  fields.checkSpelling(known);
  const stated = fields.text('mediaType');
  const other = foreignKeys.some((key) => fields.has(key));
  if (other || (stated !== undefined && stated !== '' && !isKind(stated)))
    throw invalidArgument(`media-type: ${mistaken} (${mediaType})`);
  const version = fields.count('schemaVersion') ?? 2;
  if (version !== 2) throw notImplemented(`manifest with schemaVersion ${version}`);
}

function readRest(fields: Fields): Pick<Manifest, 'annotations' | 'artifactType' | 'subject'> {
  const annotations = fields.map('annotations');
  const artifactType = fields.text('artifactType');
  const subject = fields.object('subject');
  return {
    ...(annotations && { annotations }),
    ...(artifactType && { artifactType }),
    ...(subject && { subject: readDescriptor(subject) }),
  };
}
