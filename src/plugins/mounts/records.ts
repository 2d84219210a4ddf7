import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault } from '#base/errors';
import type { Log } from '#base/log';
import type { Activation } from '#core/mounts/mounts';

/** One activation, as it is remembered over a restart. What it mounts lies in a directory of its own. */
export interface ActivationRecord extends Activation {
  readonly namespace: string;
  readonly lease?: string;
  /** Names its directory. */
  readonly id: string;
  /** False from before the first mount is made until after the last, and again while it is taken down. */
  readonly whole: boolean;
}

/**
 * Files in the state directory, which like the mounts does not outlive a boot: `<id>.json` beside `<id>/` with the mount points. A record is
 * written before anything is mounted for it, so that whatever a crash leaves is found.
 */
export class Records {
  readonly #directory: string;
  readonly #log: Log;
  /** By id: the last of what is being done to each record. */
  readonly #pending = new Map<string, Promise<void>>();

  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  directoryOf(id: string): string {
    return join(this.#directory, id);
  }

  /** In the order of the calls, as is `remove`: the last word is what is remembered. */
  write(record: ActivationRecord): Promise<void> {
    const path = this.#pathOf(record.id);
    return this.#inTurn(record.id, async () => {
      await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      await rename(`${path}.new`, path);
    });
  }

  remove(id: string): Promise<void> {
    return this.#inTurn(id, () => rm(this.#pathOf(id), { force: true }));
  }

  /** All that can be read, and the ids of directories that no record tells of. */
  async load(): Promise<{ readonly records: readonly ActivationRecord[]; readonly strays: readonly string[] }> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const records: ActivationRecord[] = [];
    const directories: string[] = [];
    for (const entry of await readdir(this.#directory, { withFileTypes: true })) {
      if (entry.isDirectory()) directories.push(entry.name);
      else if (entry.name.endsWith('.json')) {
        const record = await this.#read(join(this.#directory, entry.name));
        if (record !== undefined) records.push(record);
      } else await rm(join(this.#directory, entry.name));
    }
    const known = new Set(records.map(({ id }) => id));
    return { records, strays: directories.filter((id) => !known.has(id)) };
  }

  async #read(path: string): Promise<ActivationRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(path, 'utf8')) as ActivationRecord;
      if (path === this.#pathOf(record.id)) return record;
    } catch (error) {
      if (!(error instanceof SyntaxError) && !isFault(error, 'not_found')) throw error;
    }
    this.#log.warn('an activation of mounts cannot be read: what it mounted is taken down', { path });
    await rm(path, { force: true });
    return undefined;
  }

  async #inTurn(id: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#pending.get(id) ?? Promise.resolve()).then(work);
    const over = turn.catch(() => {}); // told to whoever asked for it
    this.#pending.set(id, over);
    try {
      await turn;
    } finally {
      if (this.#pending.get(id) === over) this.#pending.delete(id);
    }
  }

  #pathOf(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}
