/**
 * Measures Berth beside Debian's containerd, and other ones: the same machine, filesystem, client binary and runc, in turns. Needs root, and
 * what `npm run setup` installs. Some ten minutes with one peer.
 *
 *   npm run bench -- [--peer DIR]... [--write] [--only NAME[,NAME]] [--rounds N] [--layers DIR]
 *
 * DIR holds a containerd with its shim and ctr, in itself or in usr/bin or bin below it. Without --only, `docker/main.ts` follows: nerdctl beside docker.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { eventsToMany, listManyContainers, unaryCalls } from './calls.ts';
import { runAndExec } from './containers.ts';
import { crowds } from './crowd.ts';
import { type Peer, startEngines } from './engine.ts';
import { type Measure, type Result, reached } from './measure.ts';
import { memory, memoryAfterWork } from './memory.ts';
import { page, surroundings, table } from './report.ts';
import { contentOneBlob, importOneLayer, importTenLayers, pullFourTimes, pullTenLayers } from './storage.ts';

const measures: Readonly<Record<string, Measure>> = {
  import: importOneLayer,
  ten: importTenLayers,
  pull: pullTenLayers,
  four: pullFourTimes,
  run: runAndExec,
  crowd: crowds,
  content: contentOneBlob,
  call: unaryCalls,
  events: eventsToMany,
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
    peer: { type: 'string', multiple: true, default: [] },
  },
});
const chosen = options.only.split(',').map((name) => {
  const measure = measures[name];
  if (measure === undefined) throw new Error(`--only ${name}: wanted ${Object.keys(measures).join(', ')}`);
  return measure;
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: wanted a number from 1');

const peers: readonly Peer[] = ['/usr', ...options.peer].map(peerIn);
const directory = mkdtempSync('/dev/shm/berth-bench-');
try {
  const results = await measured();
  const text = table(results, names());
  console.log(text);
  if (options.write) {
    const file = new URL('../../docs/reference/performance.md', import.meta.url).pathname;
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, page(text, surroundings(versions()), rounds, leftOut()));
  }
  for (const which of ['goal', 'aim'] as const) {
    const missed = results.filter((result) => reached(result, which) === false).map(({ name }) => name);
    console.log(
      missed.length === 0 ? `Every ${which} is reached.` : `Not reached, of the ${which}s: ${missed.join('; ')}.`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (leftOut().length === 0) besideDocker();

function besideDocker(): void {
  if (!existsSync(new URL('../../build/peers/docker-20.10', import.meta.url))) {
    console.log('Not beside docker: `npm run peers` fetches it.');
    return;
  }
  const program = new URL('docker/main.ts', import.meta.url).pathname;
  const { status } = spawnSync(process.execPath, [program, ...(options.write ? ['--write'] : [])], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

async function measured(): Promise<readonly Result[]> {
  await using engines = await startEngines('/dev/shm', peers);
  const layers = options.layers ?? join(directory, 'layers');
  const bench = { engines, peers, directory, layers, slowRounds: rounds, quickRounds: rounds * 5 };
  const results: Result[] = [];
  for (const measure of chosen) {
    const some = await measure(bench);
    console.error(`${table(some, names())}\n`);
    results.push(...some);
  }
  return results;
}

/** A containerd's programs, and what to call it. @throws when it is not there */
function peerIn(directory: string): Peer {
  const programs = ['.', 'bin', 'usr/bin']
    .map((below) => resolve(directory, below))
    .find((folder) => existsSync(join(folder, 'containerd')));
  if (programs === undefined) throw new Error(`--peer ${directory}: no containerd is there`);
  const version = /\d+\.\d+\.\d+/.exec(said(join(programs, 'containerd'), '--version'))?.[0];
  return { name: `containerd ${version}`, programs };
}

/** Measures that this run does without. */
function leftOut(): readonly string[] {
  return Object.keys(measures).filter((name) => !options.only.split(',').includes(name));
}

function names(): readonly string[] {
  return ['Berth', ...peers.map(({ name }) => name)];
}

function versions(): readonly string[] {
  const own = new URL('../../dist/bin/containerd', import.meta.url).pathname;
  const programs = [
    own,
    ...peers.map((peer) => join(peer.programs, 'containerd')),
    '/usr/bin/ctr',
    'runc',
    'docker-registry',
  ];
  return programs.map((program) => `\`${said(program, '--version')}\``);
}

/** The first line that a program prints. */
function said(program: string, ...args: readonly string[]): string {
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return (stdout.split('\n')[0] ?? '').trim();
}
