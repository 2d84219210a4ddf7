import type { Descriptor } from '#core/descriptor';
import type { ImportName } from '#core/transfer/transfer';

const fullName = 'io.containerd.image.name';
const refName = 'org.opencontainers.image.ref.name';

/** What an image of an archive is to be called, by what it says itself and by what the caller allows. */
export function namesFor(entry: Descriptor, wanted: readonly ImportName[]): readonly string[] {
  const names = new Set<string>();
  let byTag = false;
  for (const one of wanted) {
    const name = one.isPrefix ? nameUnder(entry, one) : one.name;
    if (name === undefined || name === '') continue;
    byTag = true;
    names.add(name);
  }
  for (const one of wanted) {
    if (!one.addDigest || one.name === '' || (one.skipNamedDigest && byTag)) continue;
    names.add(`${repositoryOf(one.name)}@${entry.digest}`);
  }
  return [...names];
}

function nameUnder(entry: Descriptor, { name: prefix, allowOverwrite }: ImportName): string | undefined {
  const full = entry.annotations?.[fullName] ?? '';
  const ref = entry.annotations?.[refName] ?? '';
  const stated = full !== '' ? full : isFull(ref) ? ref : '';
  if (stated !== '' && (allowOverwrite || isUnder(stated, prefix))) return stated;
  if (stated !== '' && full === '' && prefix !== '') return undefined;
  return ref !== '' && !isFull(ref) && prefix !== '' && full === '' ? `${prefix}:${ref}` : undefined;
}

/** A whole reference, not a tag alone. */
const isFull = (ref: string): boolean => ref.includes('/') || ref.includes(':');

function isUnder(name: string, prefix: string): boolean {
  return prefix === '' || name === prefix || (name.startsWith(prefix) && /^[:@/]/.test(name.slice(prefix.length)));
}

/** `host/path` of `host/path:tag`. */
function repositoryOf(name: string): string {
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}
