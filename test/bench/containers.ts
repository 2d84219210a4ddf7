import { idAt, image, importBusybox, removeBusybox, removeContainer, runIdle } from './busybox.ts';
import type { Bench, Result } from './measure.ts';
import { ctr, itsCtr } from './programs.ts';
import { inTurns } from './samples.ts';

/** `ctr run --rm` of a program that ends at once, and `ctr task exec` of it in a container that runs. */
export async function runAndExec({ engines, directory, quickRounds }: Bench): Promise<readonly Result[]> {
  for (const engine of engines.all) await importBusybox(engine, directory);
  const [ours, ...theirs] = engines.all;
  const clients = [...engines.all.map((engine) => ({ engine, client: ctr })), { engine: ours, client: itsCtr }];
  const runs = clients.map(({ engine, client }, at) => ({
    engine,
    work: (round: number) => client(engine, 'run', '--rm', image, idAt(engine, `run-${at}-${round}`), 'true'),
  }));
  const ran = await inTurns(quickRounds, runs, roundsBefore);
  for (const engine of engines.all) await runIdle(engine, idAt(engine, 'host'));
  const execs = engines.all.map((engine) => ({
    engine,
    work: (round: number) => ctr(engine, 'task', 'exec', '--exec-id', `exec-${round}`, idAt(engine, 'host'), 'true'),
  }));
  const executed = await inTurns(quickRounds, execs, roundsBefore);
  for (const engine of engines.all) {
    await removeContainer(engine, idAt(engine, 'host'));
    await removeBusybox(engine);
  }
  const withOurs = [ran[engines.all.length]!, ...ran.slice(1, 1 + theirs.length)];
  return [
    {
      name: 'run --rm busybox true',
      unit: 'ms',
      figures: ran.slice(0, engines.all.length),
      goal: { ratio: 0.8, aim: 0.7 },
    },
    { name: 'the same, of Berth with its own ctr', unit: 'ms', figures: withOurs, goal: { ratio: 1, aim: 0.9 } },
    { name: 'task exec true', unit: 'ms', figures: executed, goal: { ratio: 0.8, aim: 0.7 } },
  ];
}

/** Not counted: a daemon that serves containers does so for days. */
export const roundsBefore = 20;
