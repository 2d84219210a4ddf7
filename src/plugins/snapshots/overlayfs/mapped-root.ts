import { invalidArgument } from '#base/errors';
import type { Labels } from '#core/labels';

/** Who shall own the root directory of a new snapshot. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Host numbers of a container's root, from the labels that say how its user namespace maps (`0:100000:65536`: container
 * first, host first, how many; several with commas). `undefined` without the labels.
 *
 * @throws invalid_argument for one label without the other, a bad one, or a map that leaves root out
 */
export function mappedRoot(labels: Labels): Owner | undefined {
  const uids = labels['containerd.io/snapshot/uidmapping'];
  const gids = labels['containerd.io/snapshot/gidmapping'];
  if (uids === undefined && gids === undefined) return undefined;
  if (uids === undefined || gids === undefined) throw invalidArgument('uidmapping and gidmapping must be set together');
  return { uid: hostOfZero(uids), gid: hostOfZero(gids) };
}

function hostOfZero(map: string): number {
  for (const range of map.split(',')) {
    const parts = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(range);
    if (parts === null) throw invalidArgument(`id mapping ${JSON.stringify(map)}: wanted container:host:size`);
    const [container, host, size] = parts.slice(1).map(Number) as [number, number, number];
    if (container + size > 2 ** 32 || host + size > 2 ** 32)
      throw invalidArgument(`id mapping ${JSON.stringify(map)}: out of range`);
    if (container === 0 && size > 0) return host;
  }
  throw invalidArgument(`id mapping ${JSON.stringify(map)} does not map root`);
}
