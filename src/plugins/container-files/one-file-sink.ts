import { invalidArgument } from '#base/errors';
import { toDisplay } from '#lib/tar/byte-text';
import type { TarEntry } from '#lib/tar/entry';
import type { TarSink } from '#lib/tar/reader';
import { writeAll } from './write-all.ts';

/** Takes an archive that holds one file and nothing else. */
export class OneFileSink implements TarSink {
  readonly #fd: number;
  readonly #target: string;
  #entry: TarEntry | undefined;
  #stored = 0;

  /** `fd`: what its bytes are written to. */
  constructor(fd: number, target: string) {
    this.#fd = fd;
    this.#target = target;
  }

  entry(entry: TarEntry): void {
    if (this.#entry !== undefined) throw invalidArgument(`several members over the file /${this.#target}`);
    if (entry.type !== 'file' || entry.extents !== undefined)
      throw invalidArgument(`${toDisplay(entry.name)} is no plain file: over the file /${this.#target}`);
    this.#entry = entry;
  }

  data(bytes: Uint8Array): void {
    writeAll(this.#fd, bytes, this.#stored);
    this.#stored += bytes.length;
  }

  end(): void {}

  /** @throws invalid_argument for an empty archive */
  only(): TarEntry {
    if (this.#entry === undefined) throw invalidArgument(`an empty archive over the file /${this.#target}`);
    return this.#entry;
  }
}
