import { invalidArgument } from '#base/errors';
import { type Platform, parsePlatform } from '#lib/platform';
import { flag, list } from '../../cli/flags.ts';

/** Flags of commands that take some of an image's platforms. */
export const platformFlags = {
  platform: list('For this platform: os[/arch[/variant]]'),
  'all-platforms': flag('For all platforms'),
};

/** What they say; undefined when neither is given. @throws invalid_argument */
export function platformsOf(flags: {
  readonly platform: readonly string[];
  readonly 'all-platforms': boolean;
}): readonly Platform[] | 'all' | undefined {
  const named = flags.platform.flatMap((words) => words.split(',')).filter((word) => word !== '');
  if (flags['all-platforms']) {
    if (named.length > 0) throw invalidArgument('--all-platforms and --platform cannot be used together');
    return 'all';
  }
  return named.length === 0 ? undefined : named.map(parsePlatform);
}
