import type { FileHandle } from 'node:fs/promises';

const chunkSize = 256 << 10;
/** Longer than any line that a log's writer makes, with all its attributes. */
const longestLine = 8 << 20;
const newline = 0x0a;

/** Whole lines of one file that may grow meanwhile. */
export class LineReader {
  readonly #handle: FileHandle;
  readonly #note: (message: string) => void;
  readonly #chunk = Buffer.allocUnsafe(chunkSize);
  #held: Buffer[] = [];
  #heldBytes = 0;
  #at: number;

  /** @param note is told of what is passed over because it can be no line */
  constructor(handle: FileHandle, at: number, note: (message: string) => void) {
    this.#handle = handle;
    this.#at = at;
    this.#note = note;
  }

  /** How far the file was read. */
  get at(): number {
    return this.#at;
  }

  /**
   * The next lines; '' when there is only the beginning of one; undefined at what is the end now. A file that was cut is read from its
   * beginning: the log was begun anew.
   */
  async read(): Promise<string | undefined> {
    const { bytesRead } = await this.#handle.read(this.#chunk, 0, chunkSize, this.#at);
    if (bytesRead > 0) {
      this.#at += bytesRead;
      return this.#linesIn(this.#chunk.subarray(0, bytesRead));
    }
    if ((await this.#handle.stat()).size >= this.#at) return undefined;
    this.#at = 0;
    this.#forget();
    return '';
  }

  /** A line without an end. */
  get rest(): string {
    return Buffer.concat(this.#held).toString();
  }

  #linesIn(bytes: Buffer): string {
    const end = bytes.lastIndexOf(newline) + 1;
    const whole = end > 0 && this.#heldBytes > 0 ? Buffer.concat([...this.#held, bytes.subarray(0, end)]) : undefined;
    const text = (whole ?? bytes.subarray(0, end)).toString();
    if (end > 0) this.#forget();
    if (end < bytes.length) this.#hold(bytes.subarray(end));
    return text;
  }

  #hold(bytes: Buffer): void {
    if (this.#heldBytes > longestLine) {
      this.#note(`${this.#heldBytes} bytes of the log are no line`);
      this.#forget();
    }
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
  }

  #forget(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }
}
