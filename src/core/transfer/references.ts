import type { Descriptor } from '#core/descriptor';
import type { Labels } from '#core/labels';
import type { Digest } from '#lib/digest';
import type { Index, Manifest } from '#lib/oci/manifest';
import { isConfigType, isIndexType, isLayerType, isManifestType } from '#lib/oci/media-types';

/** What a manifest or index is made of, in the order in which it names it. */
export function childrenOf(document: Manifest | Index): readonly Descriptor[] {
  return document.kind === 'manifest' ? [document.config, ...document.layers] : document.manifests;
}

/** Labels for a manifest's or index's blob that keep what it names from collection, as containerd spells them. */
export function referenceLabels(document: Manifest | Index): Labels {
  const prefix = 'containerd.io/gc.ref.content';
  if (document.kind === 'index')
    return Object.fromEntries(document.manifests.map(({ digest }, i) => [`${prefix}.m.${i}`, digest]));
  const layers = document.layers.map(({ digest }, i): [string, Digest] => [`${prefix}.l.${i}`, digest]);
  return Object.fromEntries([[`${prefix}.config`, document.config.digest], ...layers]);
}

/** The name under which a blob is ingested and shown: `layer-sha256:…`. Clients use the same, so that they wait for one another. */
export function refKey({ mediaType, digest }: Pick<Descriptor, 'mediaType' | 'digest'>): string {
  return `${kindOf(mediaType)}-${digest}`;
}

function kindOf(mediaType: string): string {
  if (isManifestType(mediaType)) return 'manifest';
  if (isIndexType(mediaType)) return 'index';
  if (isLayerType(mediaType)) return 'layer';
  return isConfigType(mediaType) ? 'config' : 'unknown';
}

/** The label under which a blob remembers the repositories of a registry that have it: by its host's name only, as clients read it. */
export const sourceLabel = (registry: string): string =>
  `containerd.io/distribution.source.${registry.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')}`;

/** The label's value with one repository more; as it was when that would make it too long. */
export function withSource(value: string | undefined, repository: string): string {
  const repositories = value === undefined || value === '' ? [] : value.split(',');
  if (repositories.includes(repository)) return repositories.join(',');
  const longer = [...repositories, repository].sort().join(',');
  return longer.length > maxSourceLength ? repositories.join(',') : longer;
}

// A label has 4096 bytes for key and value.
const maxSourceLength = 3800;
