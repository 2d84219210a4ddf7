import type { Progress } from '#core/transfer/progress';
import { formatBytes } from '../../cli/humanize.ts';
import { alignTabs, narrow } from '../../cli/tabwriter.ts';

export interface TransferState {
  /** The image's name, and how far its resolution is. */
  readonly title: string;
  readonly titleState: string;
  /** What is or was transferred, in the order in which it is shown. */
  readonly things: readonly Progress[];
  readonly seconds: number;
  /** What passed over the wire. */
  readonly bytes: number;
}

export interface Room {
  readonly columns: number;
  /** As many lines as can be seen at once; absent: all of them are wanted. */
  readonly rows?: number;
}

const barWidth = 40;
/** A bar shorter than that tells nothing. */
const leastBar = 8;

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
const finished: ReadonlySet<string> = new Set(['done', 'exists', 'saved']);

export const wordFor = (event: string): string => words[event] ?? event;

/**
 * A transfer as lines that fit the room: digests and bars get shorter where it is narrow; where it is low, what is at work is shown before what
 * waits and what is done, and a line counts the rest.
 */
export function transferPicture(state: TransferState, room: Room): readonly string[] {
  const { shown, rest } = choose(state.things, room.rows === undefined ? undefined : room.rows - 2);
  const whole = lines({ ...state, things: shown }, rest, { bar: barWidth, short: false });
  if (width(whole) < room.columns) return whole;
  const short = lines({ ...state, things: shown }, rest, { bar: barWidth, short: true });
  const bar = Math.min(barWidth, barWidth - (width(short) - room.columns + 1));
  const fitting = bar >= leastBar ? bar : 0;
  return lines({ ...state, things: shown }, rest, { bar: fitting, short: true }).map((line) =>
    [...line].slice(0, Math.max(room.columns - 1, 1)).join(''),
  );
}

/** The last line: how long it took, and how much it was. */
export function transferSummary({ seconds, bytes }: Pick<TransferState, 'seconds' | 'bytes'>): string {
  const total = formatBytes(bytes).slice(0, 6).padStart(7);
  return `elapsed: ${seconds.toFixed(1).padEnd(4)}s\ttotal: ${total}\t(${formatBytes(bytes / Math.max(seconds, 0.001))}/s)\t`;
}

interface Style {
  /** Columns of a bar; none when 0. */
  readonly bar: number;
  readonly short: boolean;
}

function lines(state: TransferState, rest: string, style: Style): readonly string[] {
  const rows = [
    row(state.title, state.titleState, 1, 1, style),
    ...state.things.map((thing) => rowOf(thing, style)),
    ...(rest === '' ? [] : [rest]),
    transferSummary(state),
  ];
  return alignTabs(rows.join('\n'), narrow)
    .split('\n')
    .map((line) => line.trimEnd());
}

const width = (text: readonly string[]): number => Math.max(...text.map((line) => [...line].length));

/** Keeps the order; leaves out what is least worth seeing, and says how much of it there is. */
function choose(
  things: readonly Progress[],
  most: number | undefined,
): { readonly shown: readonly Progress[]; readonly rest: string } {
  if (most === undefined || things.length <= most) return { shown: things, rest: '' };
  const worth = ({ event }: Progress): number => {
    const word = wordFor(event);
    return finished.has(word) ? 2 : word === 'waiting' ? 1 : 0;
  };
  const ranked = things.toSorted((a, b) => worth(a) - worth(b)); // stable: the first of each kind come first
  const chosen = new Set(ranked.slice(0, Math.max(most - 1, 0)));
  const counts = new Map<string, number>();
  for (const thing of things) {
    if (chosen.has(thing)) continue;
    const word = wordFor(thing.event);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const rest = `and ${[...counts].map(([word, count]) => `${count} ${word}`).join(', ')}`;
  return { shown: things.filter((thing) => chosen.has(thing)), rest };
}

function rowOf({ name, event, progress, total }: Progress, style: Style): string {
  const word = wordFor(event);
  if (finished.has(word)) return row(name, word, 1, 1, style);
  if (total === 0 || progress === 0) return row(name, word, 0, 1, style);
  return `${row(name, word, progress, total, style)}${formatBytes(progress).slice(0, 8).padStart(8)}/${formatBytes(total)}\t`;
}

function row(name: string, word: string, part: number, whole: number, { bar: columns, short }: Style): string {
  const shown = short ? name.replace(/(sha\d+:[0-9a-f]{12})[0-9a-f]+/, '$1') : name;
  return `${shown}:\t${word}\t${columns === 0 ? '' : `${bar(part / whole, columns)}\t`}`;
}

function bar(share: number, columns: number): string {
  const inner = columns - 2;
  const full = Math.max(0, Math.min(inner, Math.floor(inner * share)));
  return `|${'+'.repeat(full)}${'-'.repeat(inner - full)}|`;
}
