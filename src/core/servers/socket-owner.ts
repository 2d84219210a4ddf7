import { chmod, chown, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Group and owner may connect, nobody else ever. */
const socketMode = 0o660;

/**
 * Makes a unix socket at `path` with the given owner: the directory above it first, the socket by `bind`. Nobody but root can connect
 * between its making and the change of owner.
 */
export async function withSocketOwner<T>(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
  bind: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  const before = process.umask(0o077);
  const bound = await bind().finally(() => process.umask(before));
  await chown(path, uid, gid);
  await chmod(path, socketMode);
  return bound;
}
