import { formatTimestamp, type Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Io } from '../cli/io.ts';
import { alignTabs, type TabLayout } from '../cli/tabwriter.ts';

/** Prints lines whose cells are ended by tabs as an aligned table. */
export const printTable = (io: Io, lines: readonly string[], layout: TabLayout): Promise<void> =>
  io.stdout.write(alignTabs(`${lines.join('\n')}\n`, layout));

export const printLine = (io: Io, line: string): Promise<void> => io.stdout.write(`${line}\n`);

export const printLines = (io: Io, lines: readonly string[]): Promise<void> =>
  io.stdout.write(lines.map((line) => `${line}\n`).join(''));

/** `k=v,k=v` in order of key; `none` when there are none. */
export function formatLabels(labels: Labels, none: string): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? none : pairs.sort().join(',');
}

/** Reads `key=value` words; a key alone has an empty value, which deletes it. */
export function parseLabels(words: readonly string[]): Labels {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** The same where a key alone means that it is there: labels of something new. */
export const parseNewLabels = (words: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(parseLabels(words)).map(([key, value]) => [key, value === '' ? 'true' : value]));

/** `2026-11-23 12:00:00.1 +0000 UTC`, as Go prints a time. */
export function goTime(at: Timestamp): string {
  const [date = '', time = ''] = formatTimestamp(at).split('T');
  return `${date} ${time.replace(/\.?0*Z$/, '')} +0000 UTC`;
}
