import { constants } from 'node:os';
import { invalidArgument } from '#base/errors';

/** Reads a signal's name (`SIGTERM`, `term`, `RTMIN+3`) or number. Returns its number. @throws invalid_argument in docker's words */
export function parseSignal(text: string): number {
  const number = Number(text);
  if (/^\d{1,3}$/.test(text) && number >= 1 && number <= 64) return number;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
  if (known !== undefined) return known;
  const [, end, distance = '0'] = /^RT(MIN|MAX)([+-]\d{1,2})?$/.exec(name) ?? [];
  const signal = (end === 'MIN' ? 34 : 64) + Number(distance);
  if (end !== undefined && signal >= 34 && signal <= 64) return signal;
  throw invalidArgument(`invalid signal: ${text}`);
}
