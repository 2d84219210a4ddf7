import { displayWidth } from '#lib/display-width';

export interface TabLayout {
  readonly minWidth: number;
  readonly tabWidth: number;
  readonly padding: number;
  readonly padChar: ' ' | '\t';
  /** Cells are as wide as a terminal shows them, instead of as many characters as they have. */
  readonly shown?: boolean;
}

/** The layout of most of ctr's tables. */
export const narrow: TabLayout = { minWidth: 1, tabWidth: 8, padding: 1, padChar: ' ' };
/** That of its container, task and plugin tables. */
export const wide: TabLayout = { minWidth: 4, tabWidth: 8, padding: 4, padChar: ' ' };
/** That of its content tables: columns end in tabs. */
export const tabbed: TabLayout = { minWidth: 1, tabWidth: 8, padding: 1, padChar: '\t' };

/** docker's. */
export const docker: TabLayout = { minWidth: 10, tabWidth: 1, padding: 3, padChar: ' ', shown: true };

/**
 * Aligns text as Go's `text/tabwriter` does: a tab ends a cell, and the cells of one column are as wide as the widest of them in
 * neighbouring lines. What follows a line's last tab is no cell and widens nothing.
 */
export function alignTabs(text: string, layout: TabLayout): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const widths: number[][] = lines.map(() => []);
  const measure = (from: number, to: number, column: number): void => {
    for (let row = from; row < to; ) {
      if (!hasCell(lines[row], column)) {
        row++;
        continue;
      }
      const start = row;
      let width = 0;
      for (; row < to && hasCell(lines[row], column); row++)
        width = Math.max(width, length(lines[row]?.[column] ?? '', layout));
      width = fit(width, layout);
      for (let at = start; at < row; at++) (widths[at] as number[])[column] = width;
      measure(start, row, column + 1);
    }
  };
  measure(0, lines.length, 0);
  return lines
    .map((cells, row) => cells.map((cell, column) => pad(cell, widths[row]?.[column], layout)).join(''))
    .join('\n');
}

const hasCell = (cells: readonly string[] | undefined, column: number): boolean =>
  cells !== undefined && column < cells.length - 1;
const length = (cell: string, { shown = false }: TabLayout): number => (shown ? displayWidth(cell) : [...cell].length);

/** An empty column takes no padding; with tabs, a column ends at a tab stop. */
function fit(width: number, layout: TabLayout): number {
  const padded = Math.max(width === 0 ? 0 : width + layout.padding, layout.minWidth);
  return layout.padChar === '\t' ? Math.ceil(padded / layout.tabWidth) * layout.tabWidth : padded;
}

function pad(cell: string, width: number | undefined, layout: TabLayout): string {
  if (width === undefined) return cell;
  const missing = width - length(cell, layout);
  return cell + (layout.padChar === '\t' ? '\t'.repeat(Math.ceil(missing / layout.tabWidth)) : ' '.repeat(missing));
}
