import { headingFunctions } from '#lib/go-template/docker-functions';
import type { Template } from '#lib/go-template/template';
import { struct } from '#lib/go-template/values';
import { Exit, type Io } from '../../cli/io.ts';
import { alignTabs, docker } from '../../cli/tabwriter.ts';
import { inWords, templateOf, unescaped } from './template-text.ts';

/** A placeholder of a list's templates. */
export interface Column<R> {
  readonly heading: string;
  /** A text where docker has one: templates compare it with texts. */
  value(row: R): unknown;
}

export interface ListSpec<R> {
  /** Go's name for a row, as errors have it: `*formatter.ContainerContext`. */
  readonly type: string;
  readonly columns: Readonly<Record<string, Column<R>>>;
  /** The usual table: `table {{.ID}}\t{{.Names}}`. */
  readonly table: string;
  /** What `--quiet` prints of a row. */
  readonly quiet?: string;
  /** Further formats that have a name: `wide`. */
  readonly named?: Readonly<Record<string, string>>;
  /** What `.Label "key"` looks in. */
  labels?(row: R): Readonly<Record<string, string>>;
}

export interface ListOptions {
  /** What the user gave: nothing, `table`, `table …`, `json`, a named format or a template. */
  readonly format?: string;
  readonly quiet?: boolean;
}

const parsing = { failure: 'failed to parse template' };

/**
 * Prints rows as docker does: as a table, or what a template makes of each. A line that cannot be made ends it before anything is printed.
 *
 * @throws Exit in docker's words
 */
export async function printList<R>(
  io: Io,
  spec: ListSpec<R>,
  rows: readonly R[],
  { format = '', quiet = false }: ListOptions = {},
): Promise<void> {
  if (quiet && format !== '' && format !== 'table')
    await io.stderr.write('WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
  const text = quiet && spec.quiet !== undefined ? spec.quiet : chosen(spec, format.trim());
  const isTable = text.startsWith('table');
  const template = templateOf(unescaped(isTable ? text.slice('table'.length).trim() : text), parsing);
  let out = '';
  try {
    if (isTable) out += `${heading(spec, template)}\n`;
    const row = rowMaker(spec);
    for (const each of rows) out += `${template.render(row(each))}\n`;
  } catch (thrown) {
    throw inWords(thrown, 'failed to execute template');
  }
  await io.stdout.write(isTable ? alignTabs(out, docker) : out);
}

function chosen<R>({ table, named = {} }: ListSpec<R>, format: string): string {
  if (format === '' || format === 'table') return table;
  if (format === 'json') return '{{json .}}';
  // docker lists the fields one a line; nobody reads that, and containerd's nerdctl refuses it.
  if (format === 'raw') throw new Exit(1, 'unsupported format: "raw"');
  return named[format] ?? format;
}

function heading<R>({ columns, labels }: ListSpec<R>, template: Template): string {
  const headings: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(columns)) headings[name] = column.heading;
  if (labels !== undefined)
    headings.Label = (key: string) => (key.split('.').at(-1) ?? '').replaceAll('-', ' ').replaceAll('_', ' ');
  return template.render(headings, { functions: headingFunctions });
}

/** A row as templates see it: its columns in the order of their names, made when they are asked for. */
function rowMaker<R>({ type, columns, labels }: ListSpec<R>): (row: R) => object {
  const named = Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1));
  return (row) => {
    const fields = {};
    for (const [name, column] of named)
      Object.defineProperty(fields, name, { enumerable: true, get: () => column.value(row) });
    if (labels !== undefined)
      Object.defineProperty(fields, 'Label', { value: (key: string) => labels(row)[key] ?? '' });
    return struct(type, fields);
  };
}
