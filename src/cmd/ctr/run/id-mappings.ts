import { invalidArgument } from '#base/errors';
import { parseIdMapping } from '#lib/oci/spec/namespaces';
import type { RunFlags } from './container-flags.ts';

/** The user namespace that the flags ask for. @throws invalid_argument for one kind of ids without the other */
export function idMappings({ uidmap = [], gidmap = [] }: Partial<RunFlags>) {
  if ((uidmap.length === 0) !== (gidmap.length === 0))
    throw invalidArgument('uidmap and gidmap must be specified together');
  if (uidmap.length === 0) return undefined;
  return { uids: uidmap.map(parseIdMapping), gids: gidmap.map(parseIdMapping) };
}
