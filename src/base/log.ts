/** Levels in logrus's words, the least verbose first. */
export const levels = ['panic', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type Level = (typeof levels)[number];
export type Fields = Readonly<Record<string, unknown>>;
type LazyFields = Fields | (() => Fields);

/** Where log lines go; the message is constant, what varies is in the fields. Fields may be a closure where making them costs something. */
export interface Log {
  error(message: string, fields?: LazyFields): void;
  warn(message: string, fields?: LazyFields): void;
  info(message: string, fields?: LazyFields): void;
  debug(message: string, fields?: LazyFields): void;
  trace(message: string, fields?: LazyFields): void;
  /** A log that adds these fields to every line. */
  with(fields: Fields): Log;
}

export interface LogOptions {
  readonly level: Level;
  readonly format: 'text' | 'json';
  readonly write: (line: string) => void;
  readonly now?: () => Date;
}

/** A log that writes one line a message, in logrus's text form (`time="…" level=info msg="…" key=value`) or as JSON. */
export function createLog(options: LogOptions, fields: Fields = {}): Log {
  const threshold = levels.indexOf(options.level);
  const at = (level: Level) => {
    if (levels.indexOf(level) > threshold) return () => {};
    return (message: string, more?: LazyFields) => {
      const all = { ...fields, ...(typeof more === 'function' ? more() : more) };
      const time = (options.now?.() ?? new Date()).toISOString();
      options.write(
        options.format === 'json' ? jsonLine(time, level, message, all) : textLine(time, level, message, all),
      );
    };
  };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    trace: at('trace'),
    with: (more) => createLog(options, { ...fields, ...more }),
  };
}

/** Says nothing: for tests and for library use without a log. */
export const silent: Log = createLog({ level: 'panic', format: 'text', write: () => {} });

/** Reads a level as logrus does (`warning` is `warn`); `undefined` when it is none. */
export function parseLevel(text: string): Level | undefined {
  const word = text.toLowerCase() === 'warning' ? 'warn' : text.toLowerCase();
  return levels.find((level) => level === word);
}

function textLine(time: string, level: Level, message: string, fields: Fields): string {
  const rest = Object.keys(fields)
    .sort()
    .map((key) => ` ${key}=${quoteIfNeeded(plain(fields[key]))}`)
    .join('');
  return `time="${time}" level=${level === 'warn' ? 'warning' : level} msg=${quoteIfNeeded(message)}${rest}\n`;
}

function jsonLine(time: string, level: Level, message: string, fields: Fields): string {
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) rest[key] = value instanceof Error ? value.message : value;
  const line = { ...rest, level: level === 'warn' ? 'warning' : level, msg: message, time };
  return `${JSON.stringify(line, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))}\n`;
}

function plain(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === 'object' && value !== null) {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner));
  }
  return String(value);
}

function quoteIfNeeded(text: string): string {
  return text !== '' && /^[A-Za-z0-9\-._/@^+]+$/.test(text) ? text : JSON.stringify(text);
}
