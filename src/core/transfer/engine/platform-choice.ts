import { notFound } from '#base/errors';
import type { Descriptor } from '#core/descriptor';
import { isIndexType, isManifestType } from '#lib/oci/media-types';
import { defaultPlatform, formatPlatform, onlyPlatform, type Platform } from '#lib/platform';

/** Which manifests of an index to take; see `PullOptions`. */
export interface Selection {
  readonly platforms: readonly Platform[];
  readonly manifestLimit: number;
}

/**
 * The entries of an index that are wanted: for each platform the one that suits it best, or all where no platform is named.
 * Entries that name no platform count where none that does is right. @throws not_found when nothing is left
 */
export function choose(index: Descriptor, entries: readonly Descriptor[], selection: Selection): readonly Descriptor[] {
  const documents = entries.filter(({ mediaType }) => isManifestType(mediaType) || isIndexType(mediaType));
  const chosen = selection.platforms.length === 0 ? documents : forPlatforms(documents, selection.platforms);
  if (chosen.length === 0 && documents.length > 0) {
    const wanted = selection.platforms.map(formatPlatform).join(', ');
    throw notFound(`no match for platform ${wanted} in manifest ${index.digest}`);
  }
  return selection.manifestLimit > 0 ? chosen.slice(0, selection.manifestLimit) : chosen;
}

/** The entry to unpack for a platform, among those that were chosen. */
export function bestFor(entries: readonly Descriptor[], platform: Platform): Descriptor | undefined {
  const matcher = onlyPlatform(platform);
  return entries
    .filter((entry) => entry.platform !== undefined && matcher.match(entry.platform))
    .toSorted((a, b) => matcher.compare(a.platform ?? defaultPlatform(), b.platform ?? defaultPlatform()))[0];
}

function forPlatforms(entries: readonly Descriptor[], platforms: readonly Platform[]): readonly Descriptor[] {
  const best = new Set(platforms.map((platform) => bestFor(entries, platform)));
  const silent = entries.filter((entry) => entry.platform === undefined);
  const missed = best.delete(undefined) || best.size === 0;
  return entries.filter((entry) => best.has(entry) || (missed && silent.includes(entry)));
}
