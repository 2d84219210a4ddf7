import { isTable, type Raw, type RawTable } from '#base/config';

// Each key of these is one thing, which a later file replaces whole.
const wholeEntries: ReadonlySet<string> = new Set(['proxy_plugins', 'stream_processors', 'timeouts']);
// Belong to the file that they stand in.
const ownToFile: ReadonlySet<string> = new Set(['version', 'imports']);

/**
 * Puts a later file over an earlier one, as containerd does: what is zero or empty does not override, lists grow by what they
 * do not have yet, `timeouts`, `proxy_plugins` and `stream_processors` are replaced key by key, and tables of plugins are merged in depth,
 * where a value counts because it was written, whatever it is.
 */
export function mergeConfig(base: RawTable, over: RawTable): RawTable {
  const merged: Record<string, Raw> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (ownToFile.has(key)) continue;
    const before = base[key];
    if (key === 'plugins') merged[key] = deepMerge(before, value);
    else if (wholeEntries.has(key))
      merged[key] = { ...(isTable(before) ? before : {}), ...(isTable(value) ? value : {}) };
    else if (isTable(value)) merged[key] = overrideNonZero(isTable(before) ? before : {}, value);
    else if (Array.isArray(value)) merged[key] = [...new Set([...(Array.isArray(before) ? before : []), ...value])];
    else if (!isZero(value)) merged[key] = value;
  }
  return merged;
}

/** Tables are merged, everything else is replaced. */
export function deepMerge(base: Raw | undefined, over: Raw): Raw {
  if (!isTable(base) || !isTable(over)) return over;
  const merged: Record<string, Raw> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = deepMerge(base[key], value);
  return merged;
}

function overrideNonZero(base: RawTable, over: RawTable): RawTable {
  return { ...base, ...Object.fromEntries(Object.entries(over).filter(([, value]) => !isZero(value))) };
}

const isZero = (value: Raw): boolean => value === '' || value === 0 || value === false;
