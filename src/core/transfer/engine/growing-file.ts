import { type FileHandle, open } from 'node:fs/promises';

/** Told how far a file has grown; `LayerUnpack` is one. */
export interface Follower {
  arrived(sizeBytes: number): void;
  complete(sizeBytes: number): void;
}

/**
 * A file that one writes while others read it. It stays open for as long as somebody has to do with it, and `path` leads to that open
 * file: the store may move it to its place in the meantime.
 */
export class GrowingFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #followers = new Set<Follower>();
  #size: number;
  #state: 'growing' | 'complete' | 'abandoned' = 'growing';

  private constructor(handle: FileHandle, size: number) {
    this.path = `/proc/self/fd/${handle.fd}`;
    this.#handle = handle;
    this.#size = size;
  }

  static async open(path: string, size: number): Promise<GrowingFile> {
    return new GrowingFile(await open(path, 'r'), size);
  }

  /** Only while it grows can one begin to follow; later the store has it. */
  get growing(): boolean {
    return this.#state === 'growing';
  }

  /** Tells the follower how far the file is, and goes on telling it until it leaves. */
  follow(follower: Follower): void {
    this.#followers.add(follower);
    follower.arrived(this.#size);
  }

  async leave(follower: Follower): Promise<void> {
    this.#followers.delete(follower);
    await this.#closeIfUnused();
  }

  grow(size: number): void {
    this.#size = size;
    for (const follower of this.#followers) follower.arrived(size);
  }

  /** All of it is there. */
  async finish(): Promise<void> {
    this.#state = 'complete';
    for (const follower of this.#followers) follower.complete(this.#size);
    await this.#closeIfUnused();
  }

  /** No more will come. Followers must learn that elsewhere. Nothing after `finish`. */
  async abandon(): Promise<void> {
    if (this.#state !== 'growing') return;
    this.#state = 'abandoned';
    await this.#closeIfUnused();
  }

  async #closeIfUnused(): Promise<void> {
    if (this.#state !== 'growing' && this.#followers.size === 0) await this.#handle.close();
  }
}
