import { parseDuration } from '#base/duration';
import { invalidArgument } from '#base/errors';

/** An image's words about how it is run, as its configuration has them (`config`). */
export type RunWords = Readonly<Record<string, unknown>>;

/**
 * The words after instructions of a Dockerfile (`CMD ["sh"]`, `ENV A=1 B=2`), as `--change` of import and commit takes them.
 *
 * @throws invalid_argument for instructions that docker does not take there, and for those that make no sense
 */
export function applyChanges(words: RunWords, changes: readonly string[]): RunWords {
  const found: Record<string, unknown> = { ...words };
  for (const change of changes) Object.assign(found, changed(found, change));
  return found;
}

function changed(before: RunWords, change: string): RunWords {
  const [, word = '', rest = ''] = /^\s*([A-Za-z]+)\s*([\s\S]*?)\s*$/.exec(change) ?? [];
  const instruction = word.toUpperCase();
  const apply = Object.hasOwn(instructions, instruction) ? instructions[instruction] : undefined;
  if (apply === undefined) throw invalidArgument(`${word.toLowerCase() || change} is not a valid change command`);
  if (rest === '') throw invalidArgument(`${instruction} requires at least one argument`);
  return apply(before, rest);
}

const instructions: Readonly<Record<string, (before: RunWords, rest: string) => RunWords>> = {
  CMD: (_, rest) => ({ Cmd: command(rest) }),
  // An entrypoint of its own makes the old command meaningless, unless it is given again.
  ENTRYPOINT: (_, rest) => ({ Entrypoint: command(rest) }),
  ENV: ({ Env }, rest) => ({ Env: merged(listOf(Env), pairs('ENV', rest)) }),
  EXPOSE: ({ ExposedPorts }, rest) => ({
    ExposedPorts: {
      ...objectOf(ExposedPorts),
      ...Object.fromEntries(wordsOf(rest).map((port) => [exposed(port), {}])),
    },
  }),
  LABEL: ({ Labels }, rest) => ({ Labels: { ...objectOf(Labels), ...Object.fromEntries(pairs('LABEL', rest)) } }),
  ONBUILD: ({ OnBuild }, rest) => ({ OnBuild: [...listOf(OnBuild), rest] }),
  SHELL: (_, rest) => ({ Shell: jsonList(rest) ?? fail('SHELL requires the arguments to be in JSON form') }),
  STOPSIGNAL: (_, rest) => ({ StopSignal: rest }),
  USER: (_, rest) => ({ User: rest }),
  VOLUME: ({ Volumes }, rest) => ({
    Volumes: {
      ...objectOf(Volumes),
      ...Object.fromEntries((jsonList(rest) ?? wordsOf(rest)).map((path) => [path, {}])),
    },
  }),
  WORKDIR: ({ WorkingDir }, rest) => ({ WorkingDir: inside(typeof WorkingDir === 'string' ? WorkingDir : '', rest) }),
  HEALTHCHECK: (_, rest) => ({ Healthcheck: healthcheck(rest) }),
};

const fail = (message: string): never => {
  throw invalidArgument(message);
};

const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** A list in JSON is taken as it is, anything else by a shell. */
const command = (rest: string): readonly string[] => jsonList(rest) ?? ['/bin/sh', '-c', rest];

function jsonList(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
  } catch {
    return undefined; // a shell's test begins like a list
  }
}

/** Words with quotes and backslashes as Dockerfiles have them; the quotes go. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote !== '' && character === quote) quote = '';
    else if (character === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + text.charAt(++at);
    else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== '')
    throw invalidArgument(
      `unexpected end of statement while looking for matching ${quote === '"' ? 'double' : 'single'}-quote`,
    );
  return word === undefined ? words : [...words, word];
}

/** `A=1 B=2`, or the old form `A all the rest`. */
function pairs(instruction: string, rest: string): readonly (readonly [string, string])[] {
  const [first = ''] = wordsOf(rest);
  if (!first.includes('=')) {
    const [, name = '', value] = /^(\S+)\s+([\s\S]+)$/.exec(rest) ?? [];
    if (value === undefined) throw invalidArgument(`${instruction} must have two arguments`);
    return [[name, value]];
  }
  return wordsOf(rest).map((word) => {
    const at = word.indexOf('=');
    if (at < 0)
      throw invalidArgument(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    if (at === 0) throw invalidArgument(`${instruction} names can not be blank`);
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
}

/** Variables keep their places; new ones come last. */
function merged(environment: readonly string[], changes: readonly (readonly [string, string])[]): readonly string[] {
  const found = new Map(environment.map((each) => [each.slice(0, Math.max(0, each.indexOf('='))) || each, each]));
  for (const [name, value] of changes) found.set(name, `${name}=${value}`);
  return [...found.values()];
}

function exposed(port: string): string {
  if (!/^\d{1,5}(?:-\d{1,5})?(?:\/(?:tcp|udp|sctp))?$/i.test(port))
    throw invalidArgument(`invalid containerPort: ${port}`);
  return port.includes('/') ? port.toLowerCase() : `${port}/tcp`;
}

const inside = (before: string, path: string): string =>
  path.startsWith('/') || before === ''
    ? path.startsWith('/')
      ? path
      : `/${path}`
    : `${before.replace(/\/$/, '')}/${path}`;

const healthFlags = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;

function healthcheck(rest: string): RunWords {
  const found: Record<string, unknown> = {};
  let text = rest;
  for (let flag = /^--([a-z-]+)=(\S+)\s+/.exec(text); flag !== null; flag = /^--([a-z-]+)=(\S+)\s+/.exec(text)) {
    const [whole, name = '', value = ''] = flag;
    if (name === 'retries') found.Retries = wholeNumber(value);
    else found[healthFlags[name as keyof typeof healthFlags] ?? fail(`Unknown flag: ${name}`)] = nanoseconds(value);
    text = text.slice(whole.length);
  }
  const [, kind = '', words = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  if (kind.toUpperCase() === 'NONE') return { Test: ['NONE'] };
  if (kind.toUpperCase() !== 'CMD')
    throw invalidArgument(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`);
  if (words === '') throw invalidArgument('Missing command after HEALTHCHECK CMD');
  const list = jsonList(words);
  return { ...found, Test: list === undefined ? ['CMD-SHELL', words] : ['CMD', ...list] };
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw invalidArgument(`--retries: ${JSON.stringify(text)} is no number`);
  return Number(text);
}

function nanoseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 0) throw invalidArgument(`time: invalid duration ${JSON.stringify(text)}`);
  return Math.round(ms * 1e6);
}
