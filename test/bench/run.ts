/**
 * Measures Berth beside Debian's containerd: the same machine, filesystem, client binary and runc, in turns. Needs root, and what
 * `npm run setup` installs. Some ten minutes.
 *
 *   npm run bench -- [--write] [--only NAME[,NAME]] [--rounds N] [--layers DIR]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listManyContainers, memory, memoryAfterWork, runAndExec } from './containers.ts';
import { startEngines } from './engine.ts';
import { type Measure, type Result, reached } from './measure.ts';
import { page, surroundings, table } from './report.ts';
import { median } from './samples.ts';
import { contentOneBlob, importOneLayer, pullTenLayers } from './storage.ts';

const measures: Readonly<Record<string, Measure>> = {
  import: importOneLayer,
  pull: pullTenLayers,
  run: runAndExec,
  content: contentOneBlob,
  after: memoryAfterWork,
  memory,
  list: listManyContainers,
};

const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(measures).join(',') },
    rounds: { type: 'string', default: '7' },
    layers: { type: 'string' },
  },
});
const chosen = options.only.split(',').map((name) => {
  const measure = measures[name];
  if (measure === undefined) throw new Error(`--only ${name}: wanted ${Object.keys(measures).join(', ')}`);
  return measure;
});
if (options.write && chosen.length < Object.keys(measures).length) throw new Error('--write needs all measures');
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: wanted a number from 1');

const directory = mkdtempSync('/dev/shm/berth-bench-');
try {
  const results = await measured();
  const text = table(results);
  console.log(text);
  if (options.write) {
    const file = new URL('../../docs/reference/performance.md', import.meta.url).pathname;
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, page(text, surroundings(versions()), rounds));
  }
  const missed = results.filter((result) => reached(result, median) === false);
  console.log(missed.length === 0 ? 'All goals are reached.' : `Missed: ${missed.map(({ name }) => name).join('; ')}.`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measured(): Promise<readonly Result[]> {
  await using engines = await startEngines('/dev/shm');
  const layers = options.layers ?? join(directory, 'layers');
  const bench = { engines, directory, layers, slowRounds: rounds, quickRounds: rounds * 5 };
  const results: Result[] = [];
  for (const measure of chosen) {
    const some = await measure(bench);
    console.error(`${table(some)}\n`);
    results.push(...some);
  }
  return results;
}

function versions(): readonly string[] {
  const own = new URL('../../dist/bin/containerd', import.meta.url).pathname;
  return [
    [own, '--version'],
    ['/usr/bin/containerd', '--version'],
    ['/usr/bin/ctr', '--version'],
    ['runc', '--version'],
    ['docker-registry', '--version'],
  ].map(([program = '', ...args]) => {
    const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
    return `\`${(stdout.split('\n')[0] ?? '').trim()}\``;
  });
}
