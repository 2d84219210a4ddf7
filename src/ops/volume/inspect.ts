import { getVolume } from '#core/volumes/volumes';
import { diskUsage } from '#sys/fs';
import type { Engine } from '../engine.ts';

/** docker's words for a volume. @throws not_found in docker's words */
export async function inspectVolume(
  { layout, scope }: Engine,
  name: string,
  { size = false }: { readonly size?: boolean } = {},
): Promise<Readonly<Record<string, unknown>>> {
  const volume = await getVolume(layout.volumes(scope.namespace), name);
  const orNull = (map: Readonly<Record<string, string>>) => (Object.keys(map).length === 0 ? null : map);
  return {
    CreatedAt: volume.createdAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    Driver: 'local',
    Labels: orNull(volume.labels),
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: orNull(volume.options),
    Scope: 'local',
    ...(size && { Size: (await diskUsage(volume.mountpoint)).size }),
  };
}
