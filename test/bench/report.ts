import { readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { type Goal, type Result, ratioOf, reached } from './measure.ts';
import { median, quantile } from './samples.ts';

/** The table as Markdown, with columns of equal width so that it reads well on a terminal too. */
export function table(results: readonly Result[], engines: readonly string[]): string {
  const head = ['', ...engines, 'ratio', 'goal', '', 'aim', '', 'min', 'p90', 'daemon CPU'];
  return markdown([head, ...results.map(row)]);
}

/** `docs/reference/performance.md`. */
export function page(tableText: string, surroundingsText: string, rounds: number, leftOut: readonly string[]): string {
  return `${pageHead}
${tableText}

${surroundingsText}
Medians of ${rounds} rounds where a round takes seconds, of ${rounds * 5} where it takes tenths; before that, not counted, one or twenty more.${leftOut.length === 0 ? '' : ` Not measured this time: ${leftOut.join(', ')}.`}

${pageFoot}`;
}

const pageHead = `# Performance

Berth beside containerd. This page is written by \`npm run bench -- --write\`; \`test/bench\` is what it does.

All daemons have their stores on the same tmpfs and use the same runc, each with its own shim. Except where a line says so, the client is
Debian's \`ctr\` 1.6 at all: the same binary, doing the same calls. They take turns, the order changing from round to round. Time is
from the start of the client to its end. The ratio is that to the best of the others. *daemon CPU* is what the daemon used meanwhile, user
and system, without shims and runc. Where a column has several figures they are in the order of the engines.
\`npm run bench -- --peer DIR\` puts another containerd beside them (\`npm run peers\` fetches one).
`;

const pageFoot = `## How to read it
- *import*: the layers are written through the API and then unpacked; the client waits for each in turn. Berth unpacks with two or three threads
  (\`docs/decisions/0006-unpack-threads.md\`, \`docs/decisions/0022-hashing-apart.md\`).
- *each engine's own way*: \`ctr image pull\` of each package. Berth's and containerd 2.x's have the daemon pull, containerd 1.6's pulls itself and sends the layers
  through the API. *the same client* is Debian's 1.6 at all.
- *run* and *exec* contain runc, which takes most of the time and is the same for all (\`docs/decisions/0014-sealed-runtime.md\`).
- *100 starts*, *30 execs*, *a call* and *events* are done by one client program of ours, which works as much for each of the daemons; the processors are shared
  with it.
- *an idle container*: PSS of the shims, and what the daemon's own data grew; the container's own process is not in it.
- *idle*: forty seconds after its start, or after the last call.

## Where the time goes
From samples of the daemon's thread and processor times, some hundred turns each, on a machine that others used too.
- *import* of one layer: the client takes 0.4 s of processor to send the blob, the daemon 0.27 meanwhile (a fifth of it SHA-256, as much the write, the rest HTTP/2). Then inflating 0.45 s, SHA-256 of what comes out 0.23 and making the files 0.65 to 0.85,
  side by side: with two processors no less than 0.7 s. Of making files nine tenths are the kernel's, two thirds of that for new pages of the file system in memory. *Ten layers* are the same with fewer files and more bytes: 1.5 s, 0.7 and 2.0 for 1.1 GB, and
  some 1.4 of the client. containerd's daemon takes 2.4 times as much processor; that is the bound where all processors are busy, since the client waits for one layer before it asks for the next.
- *exec*, in moments when nothing else ran: 27 to 30 ms. Debian's ctr takes 6 to 7 until its first request leaves and 4 from the process's end to its own; four calls and their answers 4; runc 12.5, of which some 5 until it comes to its work
  and 2 for the same in its second half. The daemon uses 5.5 ms of processor in all its threads for nine calls and three events; of its main thread's time 42 % are compiled JavaScript, 42 % Bun, 15 % the kernel, and no function stands out; an answer is one write.
  The shim starts runc when the exec is made and hands it the process when it is started (\`docs/decisions/0024-the-runtime-of-an-exec-comes-up-early.md\`): 1 ms less, on a busy machine several. What is left is runc and the client, the same for all.
- *run*, *starts*: runc's \`create\` takes 25 to 30 ms of processor each, the daemon 5 to 8 (8 when it has just started, 5 when its code is compiled), starting the shim 1 to 2.
- *with its own ctr*: of some 50 ms of processor that our ctr took to start (Debian's 12), Bun had 9, protobuf's descriptors 13, grpc-js and HTTP/2 12, services 3, the first call with cold code 13
  (\`docs/decisions/0019-code-is-imported-when-it-is-wanted.md\`); since compiling is put off, all of it is some 30 % less, and \`run\` half (\`docs/decisions/0021-launchers.md\`).
- *calls*: an HTTP/2 server in JavaScript; containerd's is Go. Bun's most thorough compiler competes with the calls for processors; without it \`content get\` would be slower than containerd's (\`docs/decisions/0021-launchers.md\`).
- *four pulls at once*: ours fetches and unpacks each layer once for all four; what is left is that one unpacking, whose bound is above.
- *30 execs at once*: runc, 12 ms of processor each, is half of it on two processors, and the same for all; the rest was not looked into.
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
  const { name, unit, figures, goal } = result;
  const digits = unit === 'MB' ? 2 : 0;
  const each = (figure: (values: readonly number[]) => number, values: 'values' | 'cpuMs'): string =>
    figures.some((samples) => samples[values].length < 2)
      ? ''
      : figures.map((samples) => figure(samples[values]).toFixed(digits)).join(' / ');
  return [
    name,
    ...figures.map(({ values }) => `${median(values).toFixed(digits)} ${unit}`),
    ratioOf(result).toFixed(2),
    bound(goal, 'ratio', unit),
    yesOrNo(reached(result, 'goal')),
    bound(goal, 'aim', unit),
    yesOrNo(reached(result, 'aim')),
    each((values) => Math.min(...values), 'values'),
    each((values) => quantile(values, 0.9), 'values'),
    each(median, 'cpuMs'),
  ];
}

function bound(goal: Goal | undefined, which: 'ratio' | 'aim', unit: string): string {
  if (goal === undefined) return '';
  if ('berth' in goal) return which === 'ratio' ? `≤ ${goal.berth} ${unit}` : '';
  return goal[which] === undefined ? '' : `≤ ${goal[which]}`;
}

const yesOrNo = (is: boolean | undefined): string => (is === undefined ? '' : is ? 'yes' : 'no');

function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((cells) => (cells[at] ?? '').length), 3));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
