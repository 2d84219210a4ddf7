import { invalidArgument } from '#base/errors';

/** Checks how many may be at work at once. @throws invalid_argument below one */
export function atLeastOne(flag: string, value: number): number {
  if (value < 1) throw invalidArgument(`${flag} ${value}: wanted a number from 1`);
  return value;
}
