import { readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { type Result, reached } from './measure.ts';
import { median, quantile } from './samples.ts';

/** The table as Markdown, with columns of equal width so that it reads well on a terminal too. */
export function table(results: readonly Result[]): string {
  const head = ['', 'Berth', 'containerd', 'ratio', 'goal', '', 'min', 'p90', 'daemon CPU'];
  return markdown([head, ...results.map(row)]);
}

/** `docs/reference/performance.md`. */
export function page(tableText: string, surroundingsText: string, rounds: number): string {
  return `${pageHead}
${tableText}

${surroundingsText}
Medians of ${rounds} rounds where a round takes seconds, of ${rounds * 5} where it takes tenths; before that, not counted, one or twenty more.

${pageFoot}`;
}

const pageHead = `# Performance

Berth beside containerd. This page is written by \`npm run bench -- --write\`; \`test/bench\` is what it does.

Both daemons have their stores on the same tmpfs and use the same runc, each with its own shim. Except where a line says so, the client is
Debian's \`ctr\` at both: the same binary, doing the same calls. The two take turns, the order changing from round to round. Time is
from the start of the client to its end. *daemon CPU* is what the daemon used meanwhile, user and system, without shims and runc.
In the columns with two figures the first is Berth's.
`;

const pageFoot = `## How to read it
- *import*: the layer is written through the API and then unpacked; the client waits for each in turn. Berth unpacks with two threads
  (\`docs/decisions/0006-unpack-threads.md\`).
- *each engine's own way*: \`ctr image pull\` of both packages. Berth's has the daemon pull, Debian's pulls itself and sends the layers through the API.
  *the same client* is Debian's at both daemons.
- *run* and *exec* contain runc, which takes most of the time and is the same for both.
- *an idle container*: PSS of the shims, and what the daemon's own data grew, over twenty containers; the container's own process is not in it.
- *idle*: forty seconds after its start, or after the last call.
`;

/** What the figures were made with. */
export function surroundings(versions: readonly string[]): string {
  const processors = cpus();
  const memoryKb = Number(/MemTotal:\s*(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
  const machine = `${processors.length} × ${processors[0]?.model.trim()}, ${Math.round(memoryKb / 1e6)} GB, Linux ${release()}`;
  const load = loadavg()[2]?.toFixed(1);
  return [
    `Machine: ${machine}; ${load} processes on average wanted a processor, this run's own among them.`,
    `Programs: ${versions.join(', ')}.`,
  ].join('\n');
}

function row(result: Result): readonly string[] {
  const { name, unit, berth, containerd, goal } = result;
  const digits = unit === 'MB' ? 2 : 0;
  const pair = (figure: (values: readonly number[]) => number, values: 'values' | 'cpuMs'): string => {
    if (berth[values].length < 2) return '';
    return `${figure(berth[values]).toFixed(digits)} / ${figure(containerd[values]).toFixed(digits)}`;
  };
  const ratio = median(berth.values) / median(containerd.values);
  return [
    name,
    `${median(berth.values).toFixed(digits)} ${unit}`,
    `${median(containerd.values).toFixed(digits)} ${unit}`,
    ratio.toFixed(2),
    goal === undefined ? '' : 'ratio' in goal ? `≤ ${goal.ratio}` : `≤ ${goal.berth} ${unit}`,
    { true: 'yes', false: 'no', undefined: '' }[String(reached(result, median)) as 'true'],
    pair((values) => Math.min(...values), 'values'),
    pair((values) => quantile(values, 0.9), 'values'),
    pair(median, 'cpuMs'),
  ];
}

function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((cells) => (cells[at] ?? '').length), 3));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
