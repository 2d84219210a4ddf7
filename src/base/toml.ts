import { type Field, isTable, type Raw, type RawTable } from './config.ts';

/** Writes a table as TOML in containerd's manner: sub-tables indented, quoted keys for names with dots. With fields, their help stands above the keys. */
export function formatToml(raw: RawTable, fields: Readonly<Record<string, Field<unknown>>> = {}): string {
  return formatTable(raw, [], fields).replace(/^\n/, '');
}

function formatTable(raw: RawTable, path: readonly string[], fields: Readonly<Record<string, Field<unknown>>>): string {
  const indent = '  '.repeat(path.length);
  let out = '';
  for (const [key, value] of Object.entries(raw)) {
    if (isTable(value)) continue;
    out += `${comment(fields[key], indent)}${indent}${formatKey(key)} = ${formatValue(value)}\n`;
  }
  for (const [key, value] of Object.entries(raw)) {
    if (!isTable(value)) continue;
    const inner = [...path, key];
    out += `\n${comment(fields[key], indent)}${indent}[${inner.map(formatKey).join('.')}]\n`;
    out += formatTable(value, inner, fields[key]?.fields ?? {});
  }
  return out;
}

function comment(field: Field<unknown> | undefined, indent: string): string {
  return field === undefined || field.help === '' ? '' : `${indent}# ${field.help}\n`;
}

const formatKey = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : formatText(key));

function formatValue(value: Raw): string {
  if (typeof value === 'string') return formatText(value);
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`;
  if (isTable(value)) {
    const inside = Object.entries(value).map(([key, each]) => `${formatKey(key)} = ${formatValue(each)}`);
    return inside.length === 0 ? '{}' : `{ ${inside.join(', ')} }`;
  }
  return typeof value === 'number' ? formatNumber(value) : String(value);
}

/** A number without a fraction is an integer to TOML, which has 64 bits of them; readers refuse those that a double cannot tell apart. */
function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21
    ? `${value}.0`
    : String(value);
}

function formatText(text: string): string {
  if (!/['\p{Cc}]/u.test(text)) return `'${text}'`;
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f');
}
