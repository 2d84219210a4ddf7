import { throwIfAborted } from '#base/cancellation';
import { notFound } from '#base/errors';
import type { FileChanges } from './file-changes.ts';
import { LineReader } from './line-reader.ts';
import { closeLogFiles, findTail, inodeAt, type LogFile, openLogFiles, openYounger } from './log-files.ts';

export interface LogTextOptions {
  readonly path: string;
  /** Begins with the last so many lines. */
  readonly tail: number | undefined;
  /** Absent: ends where the log ends now. */
  readonly changes: FileChanges | undefined;
  readonly ended: AbortSignal;
  readonly signal: AbortSignal;
  readonly note: (message: string) => void;
}

/** The text of a log, through all its files and, when it is followed, through their rotation. */
export class LogText implements AsyncDisposable {
  readonly #options: LogTextOptions;
  /** Those that are not read yet to their ends; the one that is being read comes first. */
  readonly #files: LogFile[];
  #reader: LineReader;

  private constructor(options: LogTextOptions, files: LogFile[], at: number) {
    this.#options = options;
    this.#files = files;
    this.#reader = new LineReader(this.#current.handle, at, options.note);
  }

  /** @throws not_found when there is no log */
  static async open(options: LogTextOptions): Promise<LogText> {
    const files = await openLogFiles(options.path);
    if (files.length === 0) throw notFound(`log ${options.path}`);
    try {
      const begin = options.tail === undefined ? { file: 0, at: 0 } : await findTail(files, options.tail);
      await closeLogFiles(files.splice(0, begin.file));
      return new LogText(options, files, begin.at);
    } catch (thrown) {
      await closeLogFiles(files);
      throw thrown;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeLogFiles(this.#files);
  }

  /** The next whole lines; undefined at the end. Waits when the log is followed. @throws what the signal says once that fires */
  async read(): Promise<string | undefined> {
    for (;;) {
      throwIfAborted(this.#options.signal);
      const text = await this.#reader.read();
      if (text !== undefined) return text;
      if (this.#files[1] === undefined && !(await this.#waitForMore())) return undefined;
      if (this.#files[1] !== undefined) await this.#goOn();
    }
  }

  /** Behind the last line: the beginning of one that was never ended. */
  get rest(): string {
    return this.#reader.rest;
  }

  get #current(): LogFile {
    return this.#files[0] as LogFile;
  }

  /** An older file does not grow any more once there is a younger one: unless it did so before that was noticed. */
  async #goOn(): Promise<void> {
    if ((await this.#current.handle.stat()).size > this.#reader.at) return;
    await this.#current.handle.close();
    this.#files.shift();
    this.#reader = new LineReader(this.#current.handle, 0, this.#options.note);
  }

  /** At the end of the youngest file: true once it has changed or has a successor, false when nothing more will come. */
  async #waitForMore(): Promise<boolean> {
    const { path, changes, ended, signal } = this.#options;
    for (let missing = false; ; ) {
      const over = ended.aborted;
      const inode = await inodeAt(path);
      if ((await this.#current.handle.stat()).size !== this.#reader.at) return true;
      if (inode !== undefined && inode !== this.#current.inode) {
        const next = await openYounger(path, this.#current);
        if (next !== undefined) {
          this.#files.push(next);
          return true;
        }
      }
      // Once may be in the midst of a rotation that took this file away as well.
      const removed = inode === undefined && (await this.#current.handle.stat()).nlink === 0;
      if (changes === undefined || over || (removed && missing)) return false;
      missing = removed;
      await changes.wait(signal, ended);
      throwIfAborted(signal);
    }
  }
}
