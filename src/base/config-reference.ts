import { formatPath, type Raw, type Table } from './config.ts';

/** One key as the reference page shows it. */
export interface ReferenceRow {
  readonly key: string;
  readonly wanted: string;
  readonly fallback: Raw;
  readonly help: string;
}

/** All keys of a table and of the tables inside it, in the order of their declaration. */
export function referenceRows(table: Table<unknown>, path: readonly string[] = []): readonly ReferenceRow[] {
  return Object.entries(table.fields).flatMap(([name, field]) => {
    const at = [...path, name];
    if (field.wanted === 'a table' && field.fields !== undefined) return referenceRows(field as Table<unknown>, at);
    return [{ key: formatPath(at), wanted: field.wanted, fallback: field.write(field.fallback), help: field.help }];
  });
}

/** The table's keys as a Markdown table. */
export function formatReference(table: Table<unknown>, path: readonly string[] = []): string {
  const rows = referenceRows(table, path).map(({ key, wanted, fallback, help }) => {
    const shown = JSON.stringify(fallback);
    return `| \`${key}\` | ${cell(wanted)} | ${shown.length > 60 ? 'see `containerd config default`' : `\`${cell(shown)}\``} | ${cell(help)} |`;
  });
  return ['| key | wanted | default | what it does |', '|---|---|---|---|', ...rows, ''].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
