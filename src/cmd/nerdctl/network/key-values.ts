import { FlagFault } from '../../cli/flags.ts';

/** `NAME=value` of a flag that may be given many times; the last of a name counts. @throws FlagFault for what has no name */
export function keyValues(
  flag: string,
  words: readonly string[],
  { bare = false } = {},
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at === 0 || (at < 0 && !bare))
        throw new FlagFault(`invalid argument ${JSON.stringify(word)} for --${flag}: bad format: wanted NAME=value`);
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}
