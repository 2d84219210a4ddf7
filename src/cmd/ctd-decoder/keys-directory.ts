import type { KeyObject } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument } from '#base/errors';
import { maxKeyBytes, parsePrivateKey } from '#lib/ocicrypt/keys';

const maxFiles = 256;

/**
 * The private keys in a directory. Files that are none are passed over, as are those that need a password; a directory that is not there holds none.
 * @throws invalid_argument for one with too many files; what reading them throws
 */
export async function keysIn(directory: string): Promise<readonly KeyObject[]> {
  const names = await readdir(directory).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw thrown;
  });
  if (names.length > maxFiles) throw invalidArgument(`${directory}: more than ${maxFiles} files`);
  const keys: KeyObject[] = [];
  for (const name of names.sort()) {
    const path = join(directory, name);
    const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === 'ENOENT') return undefined; // a link that leads nowhere, or a key that was taken away just now
      throw thrown;
    });
    if (found?.isFile() !== true || found.size > maxKeyBytes) continue;
    try {
      keys.push(parsePrivateKey(await readFile(path), path));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== undefined) throw thrown;
    }
  }
  return keys;
}
