import { parseBoundedJson } from '#lib/oci/bounded-json';
import { chainIds, decodeImageConfig } from '#lib/oci/image-config';
import { decodeManifestOrIndex } from '#lib/oci/manifest';
import { accepted, type FuzzTarget, holds, same } from '../target.ts';

const words = [
  '"mediaType":',
  '"manifests":[]',
  '"layers":[]',
  '"config":{}',
  '"Layers":[]',
  '"schemaVersion":2',
  '"digest":',
  '"size":',
  '"platform":{}',
  '"urls":[]',
  '"annotations":{}',
  '"diff_ids":[]',
  '"rootfs":{}',
  '\\u0061',
  '"__proto__":{}',
  'null',
  '{',
  '}',
  '[',
  ']',
  ',',
  '\ufeff',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
];
const maxDepth = 64;

/** JSON from strangers: what is taken is what `JSON.parse` says, and what is refused it refuses, too, or it is ambiguous or too deep. */
export const json: FuzzTarget = {
  name: 'json',
  words: [...words, '"a":1', '"a":2', '1e999', '-0', '\\ud800', '\\"', '\\\\'],
  run(bytes) {
    const taken = accepted(
      () => ({ value: parseBoundedJson(bytes, { maxBytes: 1 << 20, maxDepth }) }),
      'invalid_argument',
    );
    const theirs = native(bytes);
    if (taken !== undefined) {
      holds('JSON.parse takes it', theirs !== undefined);
      same('value', taken.value, theirs?.value);
    } else if (theirs !== undefined) {
      holds(
        'refused for a reason',
        depthOf(theirs.value) > maxDepth || new Set(keysOf(bytes)).size < keysOf(bytes).length,
      );
    }
  },
};

function native(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    return undefined; // the oracle's own way to say no
  }
}

/** Everything that could be a key: an ambiguous document has some text twice. */
const keysOf = (bytes: Uint8Array): readonly string[] =>
  [...new TextDecoder().decode(bytes).matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([literal]) => JSON.parse(literal));

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Object.values(value).reduce((most: number, inner) => Math.max(most, depthOf(inner)), 0);
}

const types = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v1+json',
];

/** Manifests and indexes: one document is never both, and every descriptor that comes out is one. */
export const manifests: FuzzTarget = {
  name: 'manifests',
  words,
  run(bytes) {
    const kinds = types.flatMap((type) => {
      const read = accepted(() => decodeManifestOrIndex(bytes, type), 'invalid_argument', 'not_implemented');
      if (read === undefined) return [];
      const descriptors = read.kind === 'index' ? read.manifests : [read.config, ...read.layers];
      for (const { digest, size } of [...descriptors, ...(read.subject === undefined ? [] : [read.subject])]) {
        holds(`a digest: ${digest}`, /^sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})$/.test(digest));
        holds(`a size: ${size}`, Number.isSafeInteger(size) && size >= 0);
      }
      return [read.kind];
    });
    holds('one document is one thing', new Set(kinds).size <= 1);
  },
};

/** Image configurations. */
export const imageConfigs: FuzzTarget = {
  name: 'image-configs',
  words: [...words, '"User":"0"', '"Env":[]', '"Entrypoint":[]', '"Labels":{}', '"Volumes":{}', '"history":[]'],
  run(bytes) {
    const read = accepted(() => decodeImageConfig(bytes), 'invalid_argument');
    if (read === undefined) return;
    same('a chain id for each layer', chainIds(read.diffIds).length, read.diffIds.length);
    for (const text of [
      read.config.user,
      read.config.workingDir,
      ...read.config.env,
      ...Object.values(read.config.labels),
    ])
      same('kind', typeof text, 'string');
  },
};
