import { invalidArgument } from '#base/errors';
import { listVolumes, type Volume } from '#core/volumes/volumes';
import { diskUsage } from '#sys/fs';
import { parseSize } from '../container/parse/size.ts';
import type { Engine } from '../engine.ts';
import type { Filters } from '../filters.ts';
import { volumeUsers } from './usage.ts';

/** What lists of volumes can be filtered by. */
export const volumeFilters: readonly string[] = ['dangling', 'driver', 'label', 'label!', 'name', 'size'];

export interface ListedVolume extends Volume {
  /** Bytes on disk, where it was asked for. */
  readonly sizeBytes?: number;
}

/** Volumes by name. @throws invalid_argument for a filter that cannot be. Takes time with the number of files where sizes are asked for */
export async function listVolumesBy(
  engine: Engine,
  filters: Filters,
  { sizes = false }: { readonly sizes?: boolean } = {},
): Promise<readonly ListedVolume[]> {
  const dangling = filters.yesNo('dangling');
  const bounds = filters.all('size').map(sizeBound);
  const users = dangling === undefined ? new Map() : await volumeUsers(engine);
  const found = (await listVolumes(engine.layout.volumes(engine.scope.namespace))).filter(
    ({ name, labels }) =>
      filters.exact('driver', 'local') &&
      filters.labels(labels) &&
      filters.some('name', (part) => name.includes(part)) &&
      (dangling === undefined || dangling !== users.has(name)),
  );
  if (!sizes && bounds.length === 0) return found;
  const sized = await Promise.all(
    found.map(async (volume) => ({ ...volume, sizeBytes: (await diskUsage(volume.mountpoint)).size })),
  );
  return sized.filter(({ sizeBytes }) => bounds.every((within) => within(sizeBytes)));
}

/** Reads nerdctl's `>10m`, `<=1g`, `=0`. */
function sizeBound(text: string): (size: number) => boolean {
  const [, sign = '=', amount = ''] = /^([<>]=?|=)?(.+)$/.exec(text) ?? [];
  try {
    const bytes = parseSize(amount);
    const compare: Readonly<Record<string, (size: number) => boolean>> = {
      '=': (size) => size === bytes,
      '<': (size) => size < bytes,
      '<=': (size) => size <= bytes,
      '>': (size) => size > bytes,
      '>=': (size) => size >= bytes,
    };
    return compare[sign] ?? (() => false);
  } catch (cause) {
    throw invalidArgument(`invalid filter 'size=${text}'`, cause);
  }
}
