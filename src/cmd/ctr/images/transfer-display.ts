import type { Progress } from '#core/transfer/progress';
import type { Io } from '../../cli/io.ts';
import { transferPicture, transferSummary, wordFor } from './transfer-picture.ts';

const frameMs = 100;
const kinds = ['index-', 'manifest-', 'layer-', 'config-'];

/**
 * Shows a transfer: on a terminal one line per blob with its bar, painted again and again in place; elsewhere a line whenever a blob's
 * state changes, so that a log stays readable.
 */
export class TransferDisplay implements AsyncDisposable {
  readonly #io: Io;
  readonly #title: string;
  readonly #started = performance.now();
  readonly #things = new Map<string, Progress>();
  /** What was done when a thing was first seen: that did not pass over the wire now. */
  readonly #had = new Map<string, number>();
  readonly #said = new Map<string, string>();
  readonly #colour: boolean;
  #titleState = 'resolving';
  /** Lengths of the lines that are on the terminal now. */
  #painted: readonly number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(io: Io, title: string) {
    this.#io = io;
    this.#title = title;
    this.#colour = !io.env.NO_COLOR && io.env.TERM !== 'dumb';
  }

  /** To be handed to the transfer. */
  readonly observe = (progress: Progress): void => {
    if (progress.name === '' || progress.name === this.#title) {
      if (progress.name !== '' || !/^Resolving/i.test(progress.event)) this.#titleState = 'resolved';
    } else {
      this.#titleState = 'resolved';
      if (!this.#had.has(progress.name))
        this.#had.set(progress.name, progress.event === 'already exists' ? progress.total : 0);
      this.#things.set(progress.name, progress);
    }
    // Also while nothing is heard: the time goes on.
    if (this.#io.stdout.isTTY) this.#timer ??= setInterval(() => this.#paint(), frameMs);
    else this.#sayChanges();
  };

  /** Paints the last state, all of it, and how long and how much it was. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if (this.#io.stdout.isTTY) this.#paint('all');
    else this.#write(`${transferSummary(this.#measures()).replaceAll('\t', ' ').trimEnd()}\n`);
    await this.#writing;
  }

  #paint(how: 'what fits' | 'all' = 'what fits'): void {
    const { columns = 80, rows = 24 } = this.#io.stdout;
    const room = { columns: columns || 80, ...(how === 'all' ? {} : { rows: (rows || 24) - 1 }) };
    const state = { title: this.#title, titleState: this.#titleState, things: this.#inOrder(), ...this.#measures() };
    const lines = transferPicture(state, room);
    // A terminal that has become narrower since has broken the lines of the last picture.
    const height = this.#painted.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / room.columns)), 0);
    const back = height > 0 ? `\x1b[${Math.min(height, (rows || 24) - 1)}A\r` : '';
    const text = lines.map((line) => `${this.#colour ? coloured(line) : line}\n`).join('');
    this.#write(`${back}\x1b[J${text}`);
    this.#painted = lines.map((line) => [...line].length);
  }

  #sayChanges(): void {
    this.#sayOnce(this.#title, this.#titleState);
    for (const { name, event } of this.#inOrder()) this.#sayOnce(name, wordFor(event));
  }

  /** What leads to the others first. */
  #inOrder(): readonly Progress[] {
    const rank = ({ name }: Progress) => kinds.findIndex((kind) => name.startsWith(kind));
    return [...this.#things.values()].sort((a, b) => rank(a) - rank(b));
  }

  #sayOnce(name: string, state: string): void {
    if (this.#said.get(name) === state) return;
    this.#said.set(name, state);
    this.#write(`${name}: ${state}\n`);
  }

  #measures(): { readonly seconds: number; readonly bytes: number } {
    let bytes = 0;
    for (const { name, progress } of this.#things.values()) bytes += Math.max(0, progress - (this.#had.get(name) ?? 0));
    return { seconds: (performance.now() - this.#started) / 1000, bytes };
  }

  /** In order, and without holding up the transfer. A reader that has gone does not stop it either: the result is what counts. */
  #write(text: string): void {
    this.#writing = this.#writing.then(() => this.#io.stdout.write(text)).catch(() => {});
  }
}

/** The full part of a bar in green. */
const coloured = (line: string): string => line.replace(/(?<=\|)\++(?=[-|])/, '\x1b[32m$&\x1b[0m');
