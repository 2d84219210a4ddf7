import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import type { Outcome } from './measures.ts';
import { limits, type Sample } from './sample.ts';

const columns: readonly (readonly [title: string, value: (sample: Sample) => string])[] = [
  ['made', ({ containers }) => String(containers)],
  ['daemon RSS MB', ({ residentMb }) => residentMb.toFixed(1)],
  ['PSS MB', ({ proportionalMb }) => proportionalMb.toFixed(1)],
  ['threads', ({ threads }) => String(threads)],
  ['fds', ({ descriptors }) => String(descriptors)],
  ['inotify', ({ inotify }) => String(inotify)],
  ['mounts', ({ mounts }) => String(mounts)],
  ['cgroups', ({ cgroups }) => String(cgroups)],
  ['shims', ({ shims }) => String(shims)],
  ['their PSS MB', ({ shimsMb }) => shimsMb.toFixed(1)],
  ['pending', ({ pending }) => String(pending)],
];

/** One measure as Markdown. */
export function section({ name, figures, series, wrong }: Outcome): string {
  const lines = [`## ${name}`, ''];
  for (const [what, figure] of Object.entries(figures)) lines.push(`- ${what}: **${figure}**`);
  lines.push('', row(['', ...columns.map(([title]) => title)]), row(['', ...columns].map(() => '--:')));
  for (const [i, sample] of series.entries()) {
    const when = i === 0 ? 'before' : i === series.length - 1 ? 'after' : `${sample.seconds.toFixed(0)} s`;
    lines.push(row([when, ...columns.map(([, value]) => value(sample))]));
  }
  lines.push('', wrong.length === 0 ? 'Nothing grows, nothing is left.' : `**Wrong:** ${wrong.join('; ')}.`, '');
  return lines.join('\n');
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** `docs/reference/reliability.md`. */
export const page = (outcomes: readonly Outcome[], loadBefore: number): string => `# Reliability

What Berth does under load. This page is written by \`npm run load -- --write\`; \`test/load\` is what it does. \`--minutes 60\` is the long form of the last two measures.
The daemon, its store on a tmpfs, the shims and runc are driven by clients of our own library in one process, on connections of their own. The first line of each table is the daemon
before, after it has done everything once; the last is when all is removed. *made* are the containers or images so far, *pending* calls and the like under way.

${outcomes.map(section).join('\n')}
## What it was measured on

${surroundings(loadBefore)}
`;

function surroundings(loadBefore: number): string {
  const processors = cpus();
  const memoryKb = Number(/MemTotal:\s*(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
  const versions = [
    [new URL('../../dist/bin/containerd', import.meta.url).pathname, '--version'],
    ['runc', '--version'],
  ].map(([program = '', ...args]) =>
    (spawnSync(program, args, { encoding: 'utf8' }).stdout.split('\n')[0] ?? '').trim(),
  );
  return [
    `${processors.length} × ${processors[0]?.model.trim()}, ${Math.round(memoryKb / 1e6)} GB, Linux ${release()}; when it began ${loadBefore.toFixed(1)} other processes`,
    `on average wanted a processor, at its end ${loadavg()[2]?.toFixed(1)} with its own. ${versions.map((version) => `\`${version}\``).join(', ')}.`,
    `Limits: ${Object.entries(limits())
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}.`,
  ].join('\n');
}
