import { invalidArgument } from '#base/errors';

export interface Ulimit {
  /** As in `ulimits`: `nofile`. */
  readonly name: string;
  /** -1: no limit. */
  readonly soft: number;
  readonly hard: number;
}

const ulimits: ReadonlySet<string> = new Set(
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '),
);

/** Reads `nofile=1024`, `nofile=1024:2048`; `-1` or `unlimited` for no limit. @throws invalid_argument in docker's words */
export function parseUlimit(text: string): Ulimit {
  const [, name = '', limits] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (limits === undefined) throw invalidArgument(`invalid ulimit argument: ${text}`);
  if (!ulimits.has(name)) throw invalidArgument(`invalid ulimit type: ${name}`);
  const parts = limits.split(':');
  if (parts.length > 2)
    throw invalidArgument(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  const [soft = 0, hard = soft] = parts.map(limitOf);
  if (hard !== -1 && (soft === -1 || soft > hard))
    throw invalidArgument(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  return { name, soft, hard };
}

function limitOf(text: string): number {
  if (text === 'unlimited' || text === '-1') return -1;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw invalidArgument(`invalid ulimit value: ${JSON.stringify(text)}`);
  return value;
}

/** Reads how many processors: `1.5`, `1/2`. Returns billionths. @throws invalid_argument in docker's words */
export function parseCpus(text: string): number {
  const [, above, below = '1'] = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\/(\d+))?$/.exec(text) ?? [];
  const value = above === undefined ? Number.NaN : Number(above) / Number(below);
  if (!Number.isFinite(value)) throw invalidArgument(`failed to parse ${text} as a rational number`);
  const nano = value * 1e9;
  if (Math.abs(nano - Math.round(nano)) > 1e-6 * Math.max(1, Math.abs(nano)) || (value !== 0 && Math.round(nano) === 0))
    throw invalidArgument('value is too precise');
  return Math.round(nano);
}
