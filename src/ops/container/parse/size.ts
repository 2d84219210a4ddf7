import { invalidArgument } from '#base/errors';

const powers = ['', 'k', 'm', 'g', 't', 'p'];

/** Reads `10m`, `1.5 GiB`, `4096`: bytes, with steps of 1024. @throws invalid_argument in docker's words */
export function parseSize(text: string): number {
  const [, amount, suffix = ''] = /^(\d+(?:\.\d*)?|\.\d+) ?([a-zA-Z]*)$/.exec(text) ?? [];
  if (amount === undefined) throw invalidArgument(`invalid size: '${text}'`);
  const [, letter] = /^([kmgtp]?)(?:i?b)?$/i.exec(suffix) ?? [];
  // An i needs a letter before it.
  if (letter === undefined || /^ib$/i.test(suffix)) throw invalidArgument(`invalid suffix: '${suffix.toLowerCase()}'`);
  const bytes = Math.trunc(Number(amount) * 1024 ** powers.indexOf(letter.toLowerCase()));
  if (!Number.isSafeInteger(bytes)) throw invalidArgument(`invalid size: '${text}'`);
  return bytes;
}

/** The same with -1 for no limit. @throws invalid_argument */
export const parseSizeOrUnlimited = (text: string): number => (text === '-1' ? -1 : parseSize(text));
