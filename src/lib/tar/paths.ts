import type { ByteText } from './byte-text.ts';

/**
 * A member's name as a path below the root: no slash at either end, no empty parts, no `.`, and no `..` (each takes away the part before
 * it, or nothing at the top). The root is ''. Links are not known here, so `a/../b` is `b` whatever `a` is, as in Go's path.Clean.
 */
export function cleanPath(name: ByteText): ByteText {
  // Most names need at most a slash or "./" cut off.
  const end = name.endsWith('/') ? name.length - 1 : name.length;
  const start = name.startsWith('./') ? 2 : 0;
  const plain = name.slice(start, Math.max(start, end));
  if (!plain.startsWith('/') && !plain.startsWith('.') && !plain.includes('//') && !plain.includes('/.')) {
    if (!plain.endsWith('/')) return plain;
  }
  const kept: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') kept.pop();
    else kept.push(part);
  }
  return kept.join('/');
}

/** All but the last part of a clean path; '' for the root and for what lies directly in it. */
export function parentOf(path: ByteText): ByteText {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last part of a clean path. */
export const baseOf = (path: ByteText): ByteText => path.slice(path.lastIndexOf('/') + 1);
