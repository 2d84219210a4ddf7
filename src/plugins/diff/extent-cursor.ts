import type { Extent } from '#lib/tar/entry';

/** Tells where in a sparse file the next stored bytes belong. */
export class ExtentCursor {
  readonly #extents: readonly Extent[];
  #index = 0;
  #inside = 0;

  constructor(extents: readonly Extent[]) {
    this.#extents = extents;
  }

  /** Cuts the bytes, which follow those of the call before, where an extent ends. */
  place(bytes: Uint8Array, write: (part: Uint8Array, offset: number) => void): void {
    for (let at = 0; at < bytes.length; ) {
      const extent = this.#extents[this.#index]!;
      const part = bytes.subarray(at, at + extent.length - this.#inside);
      write(part, extent.offset + this.#inside);
      at += part.length;
      this.#inside += part.length;
      if (this.#inside === extent.length) {
        this.#index += 1;
        this.#inside = 0;
      }
    }
  }
}
