import { closeSync, constants, openSync } from 'node:fs';
import { failedPrecondition } from '#base/errors';
import { addon } from './addon.ts';

const exclusive = 2;

/**
 * Takes a lock file for as long as the result lives; the kernel lets go of it when the process dies, however it dies.
 * The file stays (removing it would let two hold "the" lock). Child processes do not inherit it.
 * @throws failed_precondition when another process, or another descriptor of this one, holds it
 */
export function lockFile(path: string): Disposable {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!addon.flock(fd, exclusive)) throw failedPrecondition(`${path} is locked by another process`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}
