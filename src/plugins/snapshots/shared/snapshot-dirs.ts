import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { wrap } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { Log } from '#base/log';
import type { SnapshotRecords } from './snapshot-records.ts';

/** `<root>/snapshots/<n>`: the directories of one snapshotter, named by the records' numbers. */
export class SnapshotDirs {
  readonly #base: string;
  readonly #discard: (path: string) => Promise<void>;
  readonly #log: Log;
  #cleaning: Promise<void> | undefined;

  /** Makes `<root>/snapshots` if need be. `discard` removes one directory with all below it. */
  constructor(root: string, options: { readonly discard: (path: string) => Promise<void>; readonly log: Log }) {
    this.#base = join(root, 'snapshots');
    this.#discard = options.discard;
    this.#log = options.log;
    mkdirSync(this.#base, { recursive: true, mode: 0o700 });
  }

  path(id: number): string {
    return join(this.#base, String(id));
  }

  /** Above every number on disk, so that no new snapshot meets a leftover. */
  firstFreeId(): number {
    return readdirSync(this.#base).reduce((least, name) => Math.max(least, (numberOf(name) ?? 0) + 1), 1);
  }

  /** Removes one directory; fine when there is none. */
  async remove(id: number): Promise<void> {
    await this.#discard(this.path(id));
  }

  /** Removes whatever belongs to no snapshot. One run at a time; a call during one waits for it and runs again. @throws the first failure, after trying all */
  async clean(records: SnapshotRecords): Promise<void> {
    while (this.#cleaning !== undefined) await this.#cleaning.catch(() => {});
    this.#cleaning = this.#clean(records).finally(() => {
      this.#cleaning = undefined;
    });
    await this.#cleaning;
  }

  async #clean(records: SnapshotRecords): Promise<void> {
    let failure: unknown;
    for (const name of readdirSync(this.#base)) {
      const id = numberOf(name);
      if (id !== undefined && records.uses(id)) continue;
      const path = join(this.#base, name);
      try {
        await failpoint?.('snapshot.directory.removing');
        await this.#discard(path);
        this.#log.debug('snapshot directory removed', { path });
      } catch (thrown) {
        // One that is still mounted must not keep the others; the next run tries it again.
        this.#log.warn('snapshot directory not removed', { path, error: thrown });
        failure ??= wrap(thrown, `failed to remove ${path}`);
      }
    }
    if (failure !== undefined) throw failure;
  }
}

/** `undefined` for names that no snapshot has (`new-…`, `rm-…`, `007`). */
function numberOf(name: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(name) ? Number(name) : undefined;
}
