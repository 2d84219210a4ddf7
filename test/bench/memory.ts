import { setTimeout as wait } from 'node:timers/promises';
import { idAt, image, importBusybox, removeContainer, runIdle } from './busybox.ts';
import { type Engine, startEngines } from './engine.ts';
import { ownPssKb, processesWith, pssKb, rssKb } from './figures.ts';
import { type Bench, inMegabytes, type Result } from './measure.ts';
import { ctr } from './programs.ts';

/** Memory of daemons of their own that have just started, then what each idle container adds to the daemon and in shims. */
export async function memory({ directory, peers }: Bench): Promise<readonly Result[]> {
  await using engines = await startEngines('/dev/shm', peers);
  const { all } = engines;
  await wait(idleMs);
  const idle = all.map((engine) => rssKb(engine.pid));
  for (const engine of all) await importBusybox(engine, directory);
  const ids = (engine: Engine) => Array.from({ length: idleContainers }, (_, at) => idAt(engine, `idle-${at}`));
  // The first container makes the daemon load what it needs for any.
  for (const engine of all) await ctr(engine, 'run', '--rm', image, idAt(engine, 'first'), 'true');
  await wait(idleMs);
  const before = all.map((engine) => ownPssKb(engine.pid));
  for (const engine of all) for (const id of ids(engine)) await runIdle(engine, id);
  await wait(idleMs);
  const shims = all.map((engine) => processesWith(engine.address).map(pssKb));
  const growth = all.map((engine, at) => ownPssKb(engine.pid) - before[at]!);
  const busy = all.map((engine) => rssKb(engine.pid));
  for (const engine of all) for (const id of ids(engine)) await removeContainer(engine, id);
  const added = all.map((_, at) => (sum(shims[at]!) + growth[at]!) / idleContainers);
  const perShim = all.map((_, at) => sum(shims[at]!) / shims[at]!.length);
  return [
    inMegabytes('an idle container: shims and growth of the daemon, PSS', added, { ratio: 0.1, aim: 0.1 }),
    inMegabytes('of that, a shim, PSS', perShim),
    inMegabytes('idle daemon, RSS', idle, { berth: 90 }),
    inMegabytes(`daemon with ${idleContainers} idle containers, RSS`, busy),
  ];
}

/** Memory of the daemons that everything else was measured with. */
export async function memoryAfterWork({ engines }: Bench): Promise<readonly Result[]> {
  await wait(idleMs);
  const after = engines.all.map((engine) => rssKb(engine.pid));
  return [inMegabytes('idle daemon after all this work, RSS', after, { berth: 90 })];
}

const idleContainers = 100;
/** After which a daemon is called idle. */
const idleMs = 40_000;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
