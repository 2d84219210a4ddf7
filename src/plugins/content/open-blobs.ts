import { constants, type FileHandle, open } from 'node:fs/promises';

/** A blob's file while somebody reads it. */
export interface HeldBlob extends AsyncDisposable {
  readonly file: FileHandle;
  readonly size: number;
}

interface Entry {
  readonly opened: Promise<{ readonly file: FileHandle; readonly size: number }>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

const idleMs = 1000;
const maxIdle = 32;

/**
 * Files of blobs that are read, kept open a little longer than each reader needs them: clients read a blob in thousands of small pieces, each
 * with a reader of its own, and blobs never change.
 */
export class OpenBlobs {
  readonly #entries = new Map<string, Entry>();

  /** @throws what opening the file does */
  async hold(path: string): Promise<HeldBlob> {
    const entry = this.#entries.get(path) ?? this.#open(path);
    entry.users++;
    clearTimeout(entry.idle);
    entry.idle = undefined;
    const { file, size } = await entry.opened;
    let held = true;
    return {
      file,
      size,
      [Symbol.asyncDispose]: async () => {
        if (!held) return;
        held = false;
        await this.#release(path, entry);
      },
    };
  }

  /** To be called when the file was removed: it is closed as soon as nobody reads it. */
  async forget(path: string): Promise<void> {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    if (entry.users === 0) await close(entry);
  }

  #open(path: string): Entry {
    const entry: Entry = { opened: openFile(path), users: 0, idle: undefined };
    this.#entries.set(path, entry);
    entry.opened.catch(() => {
      if (this.#entries.get(path) === entry) this.#entries.delete(path);
    });
    return entry;
  }

  async #release(path: string, entry: Entry): Promise<void> {
    if (--entry.users > 0) return;
    if (this.#entries.get(path) !== entry) return await close(entry);
    if (this.#entries.size > maxIdle) return await this.forget(path);
    entry.idle = setTimeout(() => void this.forget(path), idleMs);
    entry.idle.unref();
  }
}

async function openFile(path: string) {
  const file = await open(path, constants.O_RDONLY);
  try {
    return { file, size: (await file.stat()).size };
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

async function close(entry: Entry): Promise<void> {
  clearTimeout(entry.idle);
  await (await entry.opened).file.close();
}
