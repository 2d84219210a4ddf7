/**
 * `npm run matrix`: every client with every daemon and every shim that must do together; what each cell does is in
 * docs/reference/conformance.md. Arguments choose cells by a part of their names; `--list` prints those. Programs of others that are
 * missing are fetched first. Ends with 1 when a check of any cell failed.
 */
import { spawnSync } from 'node:child_process';
import { type Cell, cells } from './cells.ts';
import { stopWalks } from './walk.ts';

const top = new URL('../../..', import.meta.url).pathname;

interface Outcome {
  readonly cell: Cell;
  readonly succeeded: number;
  readonly failed: readonly string[];
  readonly seconds: number;
}

const words = process.argv.slice(2);
const parts = words.filter((word) => !word.startsWith('-'));
const chosen = cells.filter(({ name, reference = false }) =>
  reference ? parts.includes(name) : parts.length === 0 || parts.some((part) => name.includes(part)),
);

if (words.includes('--list')) {
  for (const { name } of chosen) console.log(name);
} else {
  process.exitCode = (await runAll()) ? 0 : 1;
}

async function runAll(): Promise<boolean> {
  if (process.getuid?.() !== 0) throw new Error('the matrix mounts, runs containers and needs root: run it as root');
  if (chosen.length === 0)
    throw new Error(`no cell is called anything like ${parts.join(' ')}: npm run matrix -- --list`);
  const { status } = spawnSync('sh', ['scripts/peers.sh'], { cwd: top, stdio: 'inherit' });
  if (status !== 0) throw new Error('the programs of others are missing');
  const outcomes: Outcome[] = [];
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopWalks);
  for (const cell of chosen) {
    console.log(`\n== ${cell.name}`);
    const outcome = await runOne(cell);
    for (const line of outcome.failed) console.log(line);
    console.log(`${outcome.succeeded} passed, ${outcome.failed.length} failed, ${outcome.seconds} s`);
    outcomes.push(outcome);
  }
  printTable(outcomes);
  return outcomes.every(({ failed }) => failed.length === 0);
}

async function runOne(cell: Cell): Promise<Outcome> {
  const begun = performance.now();
  const seconds = () => Math.round((performance.now() - begun) / 1000);
  try {
    const { succeeded, failed } = await cell.walk();
    const few = succeeded + failed.length < cell.atLeast ? [`only ${succeeded} checks of ${cell.atLeast}`] : [];
    return { cell, succeeded, failed: [...failed, ...few], seconds: seconds() };
  } catch (thrown) {
    return {
      cell,
      succeeded: 0,
      failed: [thrown instanceof Error ? (thrown.stack ?? '') : String(thrown)],
      seconds: seconds(),
    };
  }
}

function printTable(outcomes: readonly Outcome[]): void {
  const rows = outcomes.map(({ cell, succeeded, failed, seconds }) => [
    cell.client,
    cell.daemon,
    cell.shim,
    failed.length === 0 ? 'pass' : 'FAIL',
    `${succeeded}/${succeeded + failed.length}`,
    `${seconds} s`,
  ]);
  const table = [['client', 'daemon', 'shim', 'result', 'checks', 'time'], ...rows];
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  console.log(
    `\n${table.map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')).join('\n')}`,
  );
}
