import { constants, type FileHandle, open } from 'node:fs/promises';

/** A blob's file while somebody reads it. */
export interface HeldBlob extends AsyncDisposable {
  readonly size: number;
  /** As BlobReader.read. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

interface Entry {
  readonly opened: Promise<BlobFile>;
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
    const file = await entry.opened;
    let held = true;
    return {
      size: file.size,
      read: (offset, length) => file.read(offset, length),
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

/** Bytes that are read at once for those who ask for less, one piece after the other; a reader of the whole asks for as much. */
const blockBytes = 1 << 20;

class BlobFile {
  readonly size: number;
  readonly #file: FileHandle;
  #next = 0;
  #block: Uint8Array = new Uint8Array(0);
  #blockStart = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const inBlock = offset - this.#blockStart;
    const there = inBlock >= 0 && inBlock + wanted <= this.#block.byteLength;
    if (there) return this.#took(offset, this.#block.subarray(inBlock, inBlock + wanted));
    if (offset !== this.#next || wanted >= blockBytes) return this.#took(offset, await this.#readFile(offset, wanted));
    const block = await this.#readFile(offset, Math.min(blockBytes, this.size - offset));
    this.#block = block;
    this.#blockStart = offset;
    return this.#took(offset, block.subarray(0, wanted));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #took(offset: number, bytes: Uint8Array): Uint8Array {
    this.#next = offset + bytes.byteLength;
    return bytes;
  }

  async #readFile(offset: number, wanted: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafeSlow(wanted);
    let done = 0;
    while (done < wanted) {
      const { bytesRead } = await this.#file.read(buffer, done, wanted - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  }
}

async function openFile(path: string): Promise<BlobFile> {
  const file = await open(path, constants.O_RDONLY);
  try {
    return new BlobFile(file, (await file.stat()).size);
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

async function close(entry: Entry): Promise<void> {
  clearTimeout(entry.idle);
  await (await entry.opened).close();
}
