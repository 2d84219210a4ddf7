import { closeSync, constants, openSync } from 'node:fs';
import { oPath, openConfined, statAt } from '#sys/at';
import { isRegular } from '#sys/stat';

/**
 * Opens what a path below the root means, if that is a plain file; `undefined` for anything else, which is not opened at all: a container can put a
 * device of the host in a file's place at any time, and to open some does something by itself. The caller closes it. @throws errno errors
 */
export function openFile(
  root: number,
  path: string | Uint8Array,
  flags: number,
  { follow = false }: { readonly follow?: boolean } = {},
): number | undefined {
  const place = openConfined(root, path, oPath | (follow ? 0 : constants.O_NOFOLLOW));
  try {
    return isRegular(statAt(place, '')) ? openSync(`/proc/self/fd/${place}`, flags) : undefined;
  } finally {
    closeSync(place);
  }
}
