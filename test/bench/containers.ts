import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openClient } from '#client/client';
import { scopeOf } from '#core/scope';
import { busyboxImage } from '#test/support/busybox-image';
import { writeOciArchive } from '#test/support/oci-archive';
import { type Engine, startEngines } from './engine.ts';
import { ownPssKb, processesWith, pssKb, rssKb } from './figures.ts';
import type { Bench, Result } from './measure.ts';
import { ctr, namespace } from './programs.ts';
import { inTurns, type Samples } from './samples.ts';

const image = 'example.com/bench/busybox:v1';

/** `ctr run --rm` of a program that ends at once, and `ctr task exec` of it in a container that runs. */
export async function runAndExec(bench: Bench): Promise<readonly Result[]> {
  const { engines, quickRounds } = bench;
  const both = [engines.berth, engines.containerd];
  for (const engine of both) await importBusybox(engine, bench.directory);
  const runs = both.map((engine) => ({
    engine,
    work: (round: number) => ctr(engine, 'run', '--rm', image, `${engine.name}-run-${round}`, 'true'),
  }));
  const [runHere, runThere] = await inTurns(quickRounds, runs, roundsBefore);
  for (const engine of both) await ctr(engine, 'run', '-d', image, hostOf(engine), 'sleep', '100000');
  const execs = both.map((engine) => ({
    engine,
    work: (round: number) => ctr(engine, 'task', 'exec', '--exec-id', `exec-${round}`, hostOf(engine), 'true'),
  }));
  const [execHere, execThere] = await inTurns(quickRounds, execs, roundsBefore);
  for (const engine of both) {
    await removeContainer(engine, hostOf(engine));
    await ctr(engine, 'image', 'rm', '--sync', image);
  }
  return [
    { name: 'run --rm busybox true', unit: 'ms', berth: runHere!, containerd: runThere!, goal: { ratio: 0.8 } },
    { name: 'task exec true', unit: 'ms', berth: execHere!, containerd: execThere!, goal: { ratio: 0.8 } },
  ];
}

/** Memory of daemons of their own that have just started, then what each idle container adds to the daemon and in shims. */
export async function memory({ directory }: Bench): Promise<readonly Result[]> {
  await using engines = await startEngines('/dev/shm');
  const both = [engines.berth, engines.containerd];
  await wait(idleMs);
  const idle = both.map((engine) => rssKb(engine.pid));
  for (const engine of both) await importBusybox(engine, directory);
  const ids = (engine: Engine) => Array.from({ length: idleContainers }, (_, at) => `${engine.name}-idle-${at}`);
  // The first container makes the daemon load what it needs for any.
  for (const engine of both) await ctr(engine, 'run', '--rm', image, `${engine.name}-first`, 'true');
  await wait(idleMs);
  const before = both.map((engine) => ownPssKb(engine.pid));
  for (const engine of both) for (const id of ids(engine)) await ctr(engine, 'run', '-d', image, id, 'sleep', '100000');
  await wait(idleMs);
  const shims = both.map((engine) => processesWith(engine.address).map(pssKb));
  const growth = both.map((engine, at) => ownPssKb(engine.pid) - before[at]!);
  const busy = both.map((engine) => rssKb(engine.pid));
  for (const engine of both) for (const id of ids(engine)) await removeContainer(engine, id);
  const added = both.map((_, at) => (sum(shims[at]!) + growth[at]!) / idleContainers);
  const perShim = both.map((_, at) => sum(shims[at]!) / shims[at]!.length);
  return [
    { ...inMegabytes('an idle container: shims and growth of the daemon, PSS', added), goal: { ratio: 0.1 } },
    inMegabytes('of that, a shim, PSS', perShim),
    { ...inMegabytes('idle daemon, RSS', idle), goal: { berth: 90 } },
    { ...inMegabytes(`daemon with ${idleContainers} idle containers, RSS`, busy) },
  ];
}

/** Memory of the daemons that everything else was measured with. */
export async function memoryAfterWork({ engines }: Bench): Promise<readonly Result[]> {
  await wait(idleMs);
  const after = [engines.berth, engines.containerd].map((engine) => rssKb(engine.pid));
  return [{ ...inMegabytes('idle daemon after all this work, RSS', after), goal: { berth: 90 } }];
}

/** `ctr c ls` of a store with many containers, in daemons of their own. */
export async function listManyContainers({ directory, quickRounds }: Bench): Promise<readonly Result[]> {
  await using engines = await startEngines('/dev/shm');
  const both = [engines.berth, engines.containerd];
  for (const engine of both) await fill(engine, directory);
  const contestants = both.map((engine) => ({ engine, work: () => ctr(engine, 'container', 'ls') }));
  const [berth, containerd] = await inTurns(quickRounds, contestants, roundsBefore);
  const name = `list ${storedContainers} containers`;
  return [{ name, unit: 'ms', berth: berth!, containerd: containerd!, goal: { ratio: 1.5 } }];
}

/** Not counted: a daemon that serves containers does so for days. */
const roundsBefore = 20;
const idleContainers = 20;
const storedContainers = 10_000;
/** After which a daemon is called idle. */
const idleMs = 40_000;

async function importBusybox(engine: Engine, directory: string): Promise<void> {
  const archive = join(directory, 'busybox.tar');
  writeOciArchive(archive, image, { [platform]: busyboxImage() });
  await ctr(engine, 'image', 'import', archive);
}

const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;

/** runc and control groups know no daemons: ids of both must differ. */
const hostOf = (engine: Engine): string => `${engine.name}-host`;

async function removeContainer(engine: Engine, id: string): Promise<void> {
  await ctr(engine, 'task', 'rm', '-f', id);
  await ctr(engine, 'container', 'rm', id);
}

/** Containers like the one that `ctr` itself makes. */
async function fill(engine: Engine, directory: string): Promise<void> {
  await importBusybox(engine, directory);
  await ctr(engine, 'container', 'create', image, 'c-0', 'true');
  await using client = openClient(engine.address);
  const scope = scopeOf(namespace);
  const { createdAt: _, updatedAt: __, ...first } = await client.containers.get(scope, 'c-0');
  for (let at = 1; at < storedContainers; at += 50) {
    const some = Array.from({ length: Math.min(50, storedContainers - at) }, (_, i) => `c-${at + i}`);
    await Promise.all(some.map((id) => client.containers.create(scope, { ...first, id })));
  }
}

function inMegabytes(name: string, [berth, containerd]: readonly number[]): Result {
  const one = (kb: number): Samples => ({ values: [(kb * 1024) / 1e6], cpuMs: [] });
  return { name, unit: 'MB', berth: one(berth!), containerd: one(containerd!) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
