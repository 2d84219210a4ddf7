import { type ByteText, byteText, fromUnicode } from '#lib/tar/byte-text';
import { findXattr, listXattrs } from '#sys/xattr';
import { pathText } from './path-text.ts';

/**
 * The extended attributes that belong in a layer: those of users, and file capabilities. Labels of the machine's security module, what the
 * administrator keeps there and what overlayfs notes for itself stay where they are.
 */
export function layerXattrs(dirfd: number, name: ByteText): ReadonlyMap<ByteText, Uint8Array> {
  const listed = listXattrs(dirfd, pathText(name));
  if (listed.length === 0) return none;
  const kept = new Map<ByteText, Uint8Array>();
  for (const raw of listed) {
    const key = typeof raw === 'string' ? fromUnicode(raw) : byteText(raw);
    if (!belongsInLayer(key)) continue;
    const value = findXattr(dirfd, pathText(name), raw);
    if (value !== undefined) kept.set(key, value);
  }
  return kept;
}

const none: ReadonlyMap<ByteText, Uint8Array> = new Map();

const belongsInLayer = (key: ByteText): boolean =>
  key === 'security.capability' || (key.startsWith('user.') && !key.startsWith('user.overlay.'));
