import { invalidArgument } from '#base/errors';
import type { Mount } from '#core/mount';
import type { ActiveMount } from '#core/mounts/mounts';

/** Fills in `{{ mount 0 }}` and its like with what was made before. @throws invalid_argument for another template, or a mount that is not there */
export function formatMount(mount: Mount, before: readonly ActiveMount[]): Mount {
  const fill = (text: string) => fillIn(text, before);
  const { type, source, target, options } = mount;
  return { type, source: fill(source), target: fill(target), options: options.map(fill) };
}

/** By hand: a pattern for it would look from every space and every brace to the end of the text. */
function fillIn(text: string, before: readonly ActiveMount[]): string {
  let filled = '';
  let from = 0;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', from)) {
    const close = text.indexOf('}}', open + 2);
    if (close < 0) break;
    const inside = text.slice(open + 2, close);
    const [trimLeft, trimRight] = [inside.startsWith('-'), inside.length > 1 && inside.endsWith('-')];
    const left = text.slice(from, open);
    filled += trimLeft ? left.trimEnd() : left;
    filled += evaluate(inside.slice(trimLeft ? 1 : 0, trimRight ? -1 : undefined), text, before);
    from = close + 2;
    if (trimRight) while (from < text.length && text.charAt(from).trim() === '') from++;
  }
  return filled + text.slice(from);
}

function evaluate(action: string, text: string, before: readonly ActiveMount[]): string {
  const [word = '', ...rest] = action.trim().split(/\s+/);
  const places = rest.map((place) => (/^\d{1,4}$/.test(place) ? Number(place) : Number.NaN));
  if (places.some(Number.isNaN) || places.length !== (word === 'overlay' ? 2 : 1)) throw unknown(text);
  const at = (place: number): ActiveMount => {
    const found = before[place];
    if (found === undefined)
      throw invalidArgument(`${text.slice(0, maxShown)}: mount ${place} of ${before.length} that were made`);
    return found;
  };
  const [from = 0, to = 0] = places;
  switch (word) {
    case 'source':
      return at(from).mount.source;
    case 'target':
      return at(from).mount.target;
    case 'mount':
      return at(from).mountPoint;
    case 'overlay':
      return range(from, to)
        .map((place) => at(place).mountPoint)
        .join(':');
    default:
      throw unknown(text);
  }
}

/** Of a template, in an error about it. */
const maxShown = 512;

const unknown = (text: string) =>
  invalidArgument(
    `${JSON.stringify(text.slice(0, maxShown))}: wanted source N, target N, mount N or overlay N M between the braces`,
  );

/** Both ends included, in either direction. */
function range(from: number, to: number): number[] {
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + i * step);
}
