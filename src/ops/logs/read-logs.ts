import { throwIfAborted } from '#base/cancellation';
import { FileChanges } from './file-changes.ts';
import { compareTimes, EntryParser, type LogEntry } from './log-entry.ts';
import { LogText } from './log-text.ts';

export interface ReadLogsOptions {
  /** The json-file; what rotation made of older ones stands beside it. */
  readonly path: string;
  /** Goes on with what is written from now on, until `ended`. */
  readonly follow?: boolean;
  /** Begins with the last so many lines of what is there; `since` and `until` choose among these. All when absent. */
  readonly tail?: number | undefined;
  /** Times as entries have them (`Date.toISOString` gives such). */
  readonly since?: string | undefined;
  /** Ends before the first entry behind it. */
  readonly until?: string | undefined;
  /** Fires once the container has ended, when its log is complete: what is there then is read, and no more waited for. */
  readonly ended?: AbortSignal;
  readonly signal: AbortSignal;
  /** Told of what is no entry and is passed over. */
  readonly note?: (message: string) => void;
}

/** The entries of a log, as `readLogBatches` gives them, one by one. */
export async function* readLogs(options: ReadLogsOptions): AsyncGenerator<LogEntry> {
  for await (const batch of readLogBatches(options)) yield* batch;
}

/**
 * The entries of a container's log, the oldest first, in batches as they are read. When followed: through rotation, waiting for the rest of a
 * line that has no end yet; ends with `ended`, or when the log is removed. One that is cut is read from its beginning again.
 *
 * @throws not_found when there is no log, and what the signal says once that fires
 */
export async function* readLogBatches(options: ReadLogsOptions): AsyncGenerator<readonly LogEntry[]> {
  const { path, follow = false, tail, note = () => {}, signal, ended = new AbortController().signal } = options;
  throwIfAborted(signal);
  // Before anything is read, so that no change is missed.
  using changes = follow ? new FileChanges(path) : undefined;
  await using text = await LogText.open({ path, tail, changes, ended, signal, note });
  const parser = new EntryParser(note);
  for (let lines = await text.read(); lines !== undefined; lines = await text.read()) {
    const { entries, over } = chosen(parser.parse(lines), options);
    if (entries.length > 0) yield entries;
    if (over) return;
  }
  // While it may still be written it is none yet.
  const { entries } = chosen(follow ? parser.parse(text.rest) : [], options);
  if (entries.length > 0) yield entries;
}

function chosen(all: readonly LogEntry[], { since, until }: ReadLogsOptions) {
  const last = until === undefined ? -1 : all.findIndex(({ time }) => compareTimes(time, until) > 0);
  const before = last < 0 ? all : all.slice(0, last);
  const entries = since === undefined ? before : before.filter(({ time }) => compareTimes(time, since) >= 0);
  return { entries, over: last >= 0 };
}
