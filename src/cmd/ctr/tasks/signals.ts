import { constants } from 'node:os';
import { invalidArgument } from '#base/errors';

/** Reads a signal's name (`SIGTERM`, `term`) or number; real-time signals as `RTMIN+3`. @throws invalid_argument */
export function parseSignal(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text)) {
    if (number < 1 || number > 64) throw invalidArgument(`unknown signal ${JSON.stringify(text)}`);
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
  if (known !== undefined) return known;
  const realTime = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (realTime !== null) {
    const signal = (realTime[1] === 'MIN' ? 34 : 64) + Number(realTime[2] ?? 0);
    if (signal >= 34 && signal <= 64) return signal;
  }
  throw invalidArgument(`unknown signal ${JSON.stringify(text)}`);
}
