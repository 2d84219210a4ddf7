import type { Progress } from '#core/transfer/progress';
import { formatBytes } from '../../cli/humanize.ts';
import type { Io } from '../../cli/io.ts';
import { alignTabs, narrow } from '../../cli/tabwriter.ts';

const barWidth = 40;
const frameMs = 100;

/** The server's words → ctr's. */
const words: Readonly<Record<string, string>> = {
  waiting: 'waiting',
  downloading: 'downloading',
  uploading: 'uploading',
  complete: 'done',
  'already exists': 'exists',
  extracting: 'unpacking',
  extracted: 'done',
  saved: 'saved',
};
const kinds = ['index-', 'manifest-', 'layer-', 'config-'];
const finished: ReadonlySet<string> = new Set(['done', 'exists', 'saved']);

/**
 * Shows a transfer: on a terminal one line per blob with its bar, painted again and again; elsewhere a line whenever a blob's state
 * changes, so that a log stays readable.
 */
export class TransferDisplay implements AsyncDisposable {
  readonly #io: Io;
  readonly #title: string;
  readonly #started = performance.now();
  readonly #rows = new Map<string, Progress>();
  /** What was done when a thing was first seen: that did not pass over the wire now. */
  readonly #had = new Map<string, number>();
  readonly #said = new Map<string, string>();
  #titleState = 'resolving';
  #painted = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(io: Io, title: string) {
    this.#io = io;
    this.#title = title;
  }

  /** To be handed to the transfer. */
  readonly observe = (progress: Progress): void => {
    if (progress.name === '' || progress.name === this.#title) {
      if (progress.name !== '' || !/^Resolving/i.test(progress.event)) this.#titleState = 'resolved';
    } else {
      this.#titleState = 'resolved';
      if (!this.#had.has(progress.name))
        this.#had.set(progress.name, progress.event === 'already exists' ? progress.total : 0);
      this.#rows.set(progress.name, progress);
    }
    if (this.#io.stdout.isTTY) this.#timer ??= setTimeout(() => this.#paint(), frameMs);
    else this.#sayChanges();
  };

  /** Paints the last state and how long and how much it was. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#io.stdout.isTTY) this.#paint();
    else this.#write(`${this.#summary().replaceAll('\t', ' ').trimEnd()}\n`);
    await this.#writing;
  }

  #paint(): void {
    this.#timer = undefined;
    const columns = this.#io.stdout.columns || 80;
    const lines = [row(this.#title, this.#titleState, 1, 1), ...this.#inOrder().map(rowOf), this.#summary()];
    const text = alignTabs(`${lines.join('\n')}\n`, narrow);
    const cut = text.split('\n').map((line) => line.slice(0, columns - 1).trimEnd());
    // Back to the first line of the last picture, and clear from there.
    this.#write(`${this.#painted > 0 ? `\x1b[${this.#painted}A` : ''}\x1b[J${cut.join('\n')}`);
    this.#painted = lines.length;
  }

  #sayChanges(): void {
    this.#sayOnce(this.#title, this.#titleState);
    for (const { name, event } of this.#inOrder()) this.#sayOnce(name, wordFor(event));
  }

  /** What leads to the others first. */
  #inOrder(): readonly Progress[] {
    const rank = ({ name }: Progress) => kinds.findIndex((kind) => name.startsWith(kind));
    return [...this.#rows.values()].sort((a, b) => rank(a) - rank(b));
  }

  #sayOnce(name: string, state: string): void {
    if (this.#said.get(name) === state) return;
    this.#said.set(name, state);
    this.#write(`${name}: ${state}\n`);
  }

  #summary(): string {
    const seconds = (performance.now() - this.#started) / 1000;
    let bytes = 0;
    for (const { name, progress } of this.#rows.values()) bytes += Math.max(0, progress - (this.#had.get(name) ?? 0));
    const total = formatBytes(bytes).slice(0, 6).padStart(7);
    return `elapsed: ${seconds.toFixed(1).padEnd(4)}s\ttotal: ${total}\t(${formatBytes(bytes / Math.max(seconds, 0.001))}/s)\t`;
  }

  /** In order, and without holding up the transfer. A reader that has gone does not stop it either: the result is what counts. */
  #write(text: string): void {
    this.#writing = this.#writing.then(() => this.#io.stdout.write(text)).catch(() => {});
  }
}

const wordFor = (event: string): string => words[event] ?? event;

function rowOf({ name, event, progress, total }: Progress): string {
  const word = wordFor(event);
  if (finished.has(word)) return row(name, word, 1, 1);
  if (total === 0 || progress === 0) return row(name, word, 0, 1);
  return `${row(name, word, progress, total)}${formatBytes(progress).slice(0, 8).padStart(8)}/${formatBytes(total)}\t`;
}

const row = (name: string, word: string, part: number, whole: number): string =>
  `${name}:\t${word}\t${bar(part / whole)}\t`;

function bar(share: number): string {
  const inner = barWidth - 2;
  const full = Math.max(0, Math.min(inner, Math.floor(inner * share)));
  return `|${'+'.repeat(full)}${'-'.repeat(inner - full)}|`;
}
