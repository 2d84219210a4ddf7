import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileIdentity, type SealedCopy, sealedCopy } from '#sys/sealed-copy';

/**
 * The copy of the default runtime that shims start it from. runc seals a copy of itself at each call that enters a container, against
 * containers that would write to it (CVE-2019-5736); started from a sealed one it sees that, and saves a millisecond or more.
 */
export class RuntimeCopy {
  #copy: SealedCopy | undefined;
  #looked: string | undefined;

  /** What a shim is to have in its environment; empty where there is no copy. Looks whether the runtime was replaced meanwhile. */
  environment(): Readonly<Record<string, string>> {
    const program = findOnPath('runc');
    const identity = program && fileIdentity(program);
    if (identity !== this.#looked) {
      this.#looked = identity;
      this.#copy?.[Symbol.dispose](); // shims that have it hold it themselves
      this.#copy = program === undefined ? undefined : sealedCopy(program);
    }
    return this.#copy === undefined ? {} : { BERTH_RUNTIME_COPY: `${this.#copy.original}:${this.#copy.path}` };
  }
}

function findOnPath(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const candidate = join(folder, name);
    if (isAbsolute(candidate) && runnable(candidate)) return candidate;
  }
  return undefined;
}

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // the search goes on
  }
}
