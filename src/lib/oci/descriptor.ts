import type { Digest } from '../digest.ts';
import type { Platform } from '../platform.ts';
import type { Fields } from './fields.ts';

/** Names content of another document: type, digest and exact size in bytes. */
export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
}

/** @throws invalid_argument naming the field that is missing or wrong. */
export function readDescriptor(fields: Fields): OciDescriptor {
  fields.checkSpelling(known);
  const mediaType = fields.requiredText('mediaType');
  const digest = fields.requiredDigest('digest');
  const size = fields.count('size') ?? 0;
  const urls = fields.texts('urls', maxUrls);
  const annotations = fields.map('annotations');
  const platform = fields.object('platform');
  const artifactType = fields.text('artifactType');
  return {
    mediaType,
    digest,
    size,
    ...(urls && { urls }),
    ...(annotations && { annotations }),
    ...(platform && { platform: readPlatform(platform) }),
    ...(artifactType && { artifactType }),
  };
}

/** Reads `os`, `architecture` and their kin, as descriptors and image configurations have them; what is missing is empty. */
export function readPlatform(fields: Fields): Platform {
  const variant = fields.text('variant');
  const osVersion = fields.text('os.version');
  const osFeatures = fields.texts('os.features', maxFeatures);
  return {
    os: fields.text('os') ?? '',
    architecture: fields.text('architecture') ?? '',
    ...(variant && { variant }),
    ...(osVersion && { osVersion }),
    ...(osFeatures && { osFeatures }),
  };
}

const known = ['mediaType', 'digest', 'size', 'urls', 'annotations', 'platform', 'artifactType', 'data'];
const maxUrls = 64;
const maxFeatures = 64;
