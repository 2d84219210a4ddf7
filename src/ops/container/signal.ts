import { constants } from 'node:os';
import { invalidArgument } from '#base/errors';

const lowestRealTime = 34;
const highest = 64;

/** Reads a signal's name, with or without `SIG`, in either case, or number; real-time ones as `RTMIN+3`. @throws invalid_argument in docker's words */
export function parseSignal(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text)) {
    if (number < 1 || number > highest) throw invalidArgument(`Invalid signal: ${text}`);
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
  if (known !== undefined) return known;
  const realTime = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (realTime !== null) {
    const signal = (realTime[1] === 'MIN' ? lowestRealTime : highest) + Number(realTime[2] ?? 0);
    if (signal >= lowestRealTime && signal <= highest) return signal;
  }
  throw invalidArgument(`Invalid signal: ${text}`);
}

export const sigkill = constants.signals.SIGKILL;
