/** A line of a container's log, or a part of one that was too long. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr';
  /** When it was written: RFC 3339 in UTC, with as many digits behind the point as are not zero. */
  readonly time: string;
  /** With its newline, unless it is a part whose rest follows or the last words of a process that wrote none. */
  readonly text: string;
  readonly attrs: Readonly<Record<string, string>>;
}

const none: LogEntry['attrs'] = Object.freeze({});
const logStart = '{"log":"';
const streamStart = '","stream":"';
const timeStart = '"time":"';
const attrsStart = '"attrs":';
const attrsEnd = `},${timeStart}`;
const dateLength = '2024-01-01T00:00:00'.length;

/** Reads json-file logs. What lines have in common (their attributes) is read once. */
export class EntryParser {
  readonly #note: (message: string) => void;
  #attrsText = '';
  #attrs = none;

  /** @param note is told of what is no entry and is passed over */
  constructor(note: (message: string) => void) {
    this.#note = note;
  }

  /** The entries in a text of whole lines. */
  parse(text: string): LogEntry[] {
    const entries: LogEntry[] = [];
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf('\n', at);
      const end = newline < 0 ? text.length : newline;
      const line = text.slice(at, end);
      const entry = this.#usual(line) ?? parseAny(line);
      if (entry !== undefined) entries.push(entry);
      else if (line !== '') this.#note(`a line of the log is no entry: ${line.slice(0, 80)}`);
      at = end + 1;
    }
    return entries;
  }

  /**
   * The form in which docker and our shim write, in which the end of the text can be searched for: within a JSON string no quotation mark
   * stands without a backslash.
   */
  #usual(line: string): LogEntry | undefined {
    if (!line.startsWith(logStart) || !line.endsWith('"}')) return undefined;
    const textEnd = line.indexOf(streamStart, logStart.length - 1);
    if (textEnd < 0) return undefined;
    const streamAt = textEnd + streamStart.length;
    const out = line.startsWith('stdout",', streamAt);
    if (!out && !line.startsWith('stderr",', streamAt)) return undefined;
    let rest = streamAt + 'stdout",'.length;
    let attrs = none;
    if (line.startsWith(attrsStart, rest)) {
      const end = line.lastIndexOf(attrsEnd);
      if (end < rest) return undefined;
      attrs = this.#attrsOf(line.slice(rest + attrsStart.length, end + 1));
      rest = end + 2;
    }
    if (!line.startsWith(timeStart, rest)) return undefined;
    const time = line.slice(rest + timeStart.length, -2);
    const text = unquoted(line, logStart.length, textEnd);
    if (text === undefined || time.length <= dateLength) return undefined;
    return { stream: out ? 'stdout' : 'stderr', time, text, attrs };
  }

  #attrsOf(text: string): LogEntry['attrs'] {
    if (text !== this.#attrsText) {
      this.#attrs = attrsIn(parsed(text));
      this.#attrsText = text;
    }
    return this.#attrs;
  }
}

/** Most lines have one escape: that of their newline. */
function unquoted(line: string, from: number, end: number): string | undefined {
  const backslash = line.indexOf('\\', from);
  if (backslash < 0 || backslash >= end) return line.slice(from, end);
  if (backslash === end - 2 && line[end - 1] === 'n') return `${line.slice(from, backslash)}\n`;
  const text = parsed(line.slice(from - 1, end + 1));
  return typeof text === 'string' ? text : undefined;
}

function parseAny(line: string): LogEntry | undefined {
  const value = parsed(line);
  if (typeof value !== 'object' || value === null) return undefined;
  const { log = '', stream = 'stdout', time, attrs } = value as Partial<Record<string, unknown>>;
  if (typeof log !== 'string' || typeof time !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(time))
    return undefined;
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  return { stream, time, text: log, attrs: attrsIn(attrs) };
}

function attrsIn(value: unknown): LogEntry['attrs'] {
  if (typeof value !== 'object' || value === null) return none;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, String(one)]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says so
  }
}

/** Less than 0 when `a` is before `b`; both in the form that entries have. */
export function compareTimes(a: string, b: string): number {
  const [dateA, dateB] = [a.slice(0, dateLength), b.slice(0, dateLength)];
  if (dateA !== dateB) return dateA < dateB ? -1 : 1;
  const [partA, partB] = [fraction(a), fraction(b)];
  return partA === partB ? 0 : partA < partB ? -1 : 1;
}

const fraction = (time: string): string => time.slice(dateLength + 1, -1).padEnd(9, '0');
