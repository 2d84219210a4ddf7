import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname, isAbsolute, normalize, relative } from 'node:path';
import { invalidArgument } from '#base/errors';
import { placeConfined } from '#sys/at';

/** A place where something is to be made: an open directory, and a name in it. */
export interface Place extends Disposable {
  readonly directory: number;
  readonly name: string;
}

/** Directories below which mounts may have things made: whoever says what to mount must not make the daemon write anywhere. */
export class AllowedRoots {
  readonly #roots: readonly string[];

  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** The path's directory, reached without leaving the allowed one through links. @throws invalid_argument outside; ENOENT for a directory that is not there */
  place(path: string): Place {
    const wanted = normalize(path);
    const root = this.#roots.find((each) => isAbsolute(wanted) && wanted.startsWith(`${each}/`));
    if (root === undefined) throw invalidArgument(`${path} is not below ${this.#roots.join(' or ')}`);
    const top = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const parent = relative(root, dirname(wanted));
      const directory = placeConfined(top, parent === '' ? '.' : parent);
      return { directory, name: basename(wanted), [Symbol.dispose]: () => closeSync(directory) };
    } finally {
      closeSync(top);
    }
  }
}
