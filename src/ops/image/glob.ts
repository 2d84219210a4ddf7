/** Whether one of an image's names matches a pattern as docker takes it: `*` and `?` within a part of the path, `[a-z]`. */
export function globMatcher(pattern: string): (names: readonly string[]) => boolean {
  const expression = expressionOf(pattern);
  return (names) => names.some((name) => name === pattern || (expression?.test(name) ?? false));
}

/** Undefined for a pattern that is none. */
function expressionOf(pattern: string): RegExp | undefined {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const set = /^\[(\^?)((?:[^\]\\]|\\.)+)\]/.exec(pattern.slice(at));
      if (set === null) return undefined;
      source += `[${set[1]}${(set[2] ?? '').replace(/[[\]]/g, '\\$&')}]`;
      at += set[0].length - 1;
    } else if (character === '\\') source += escaped(pattern.charAt(++at));
    else source += escaped(character);
  }
  try {
    return new RegExp(`^${source}$`, 'u');
  } catch {
    return undefined; // a range the wrong way round
  }
}

const escaped = (character: string): string => character.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
