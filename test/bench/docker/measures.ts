import { setTimeout as wait } from 'node:timers/promises';
import { ownPssKb, pssKb } from '../figures.ts';
import { inMegabytes, type Result } from '../measure.ts';
import { inTurns } from '../samples.ts';
import type { Contender } from './contender.ts';

/** What both have under this name. */
export const image = 'busybox:bench';

/** How much is done: once with all of it for the figures, with little to see that it works. */
export interface Amount {
  readonly rounds: number;
  readonly listed: number;
  readonly logBytes: number;
  readonly idle: number;
  readonly crowd: number;
  /** After which a daemon is called idle. */
  readonly idleMs: number;
}

export type DockerMeasure = (all: readonly Contender[], amount: Amount) => Promise<readonly Result[]>;

const each = (all: readonly Contender[], work: (one: Contender, round: number) => Promise<void>) =>
  all.map((engine) => ({ engine, work: (round: number) => work(engine, round) }));

/** `run --rm` with and without a network, and `exec`. */
export const runAndExec: DockerMeasure = async (all, { rounds }) => {
  const bridged = await inTurns(
    rounds,
    each(all, (one) => one.run('run', '--rm', image, 'true')),
    3,
  );
  const alone = await inTurns(
    rounds,
    each(all, (one) => one.run('run', '--rm', '--net', 'none', image, 'true')),
    3,
  );
  for (const one of all) await one.run('run', '-d', '--name', 'host', image, 'sleep', '100000');
  const executed = await inTurns(
    rounds,
    each(all, (one) => one.run('exec', 'host', 'true')),
    3,
  );
  for (const one of all) await one.run('rm', '-f', 'host');
  return [
    { name: 'run --rm busybox true', unit: 'ms', figures: bridged, goal: { ratio: 0.6 } },
    { name: 'the same with --net none', unit: 'ms', figures: alone, goal: { ratio: 0.7 } },
    { name: 'exec true', unit: 'ms', figures: executed, goal: { ratio: 0.7 } },
  ];
};

/** `ps -a` of many containers. */
export const list: DockerMeasure = async (all, { rounds, listed }) => {
  const names = Array.from({ length: listed }, (_, at) => `listed-${at}`);
  for (const one of all) await inParallel(names, (name) => one.run('create', '--name', name, image, 'true'));
  const figures = await inTurns(
    rounds,
    each(all, (one) => one.run('ps', '-a')),
    3,
  );
  for (const one of all) await one.run('rm', ...names);
  return [{ name: `ps -a of ${listed} containers`, unit: 'ms', figures, goal: { berth: 60 } }];
};

/** A container that writes much, until all of it is in its log. */
export const logs: DockerMeasure = async (all, { rounds, logBytes }) => {
  const words = [
    'sh',
    '-c',
    `yes a line of some sixty characters, as programs usually write them | head -c ${logBytes}`,
  ];
  const figures = await inTurns(
    Math.ceil(rounds / 5),
    each(all, (one) => one.run('run', '--rm', '--net', 'none', image, ...words)),
  );
  const detached = await inTurns(
    Math.ceil(rounds / 5),
    all.map((engine) => ({
      engine,
      work: async (round: number) => {
        await engine.run('run', '-d', '--net', 'none', '--name', `writes-${round}`, image, ...words);
        await engine.run('wait', `writes-${round}`);
      },
      after: (round: number) => engine.run('rm', `writes-${round}`),
    })),
  );
  const size = `${Math.round(logBytes / 1e6)} MB`;
  return [
    { name: `run -d of what writes ${size}, json-file`, unit: 'ms', figures: detached, goal: { ratio: 0.5 } },
    { name: 'the same in the foreground', unit: 'ms', figures },
  ];
};

/** What idle containers with json logs add: shims, proxies and the daemons' growth. */
export const memory: DockerMeasure = async (all, { idle, idleMs }) => {
  const names = Array.from({ length: idle }, (_, at) => `idle-${at}`);
  const added: number[] = [];
  for (const one of all) {
    const own = () => one.daemons.reduce((sum, pid) => sum + ownPssKb(pid), 0);
    await wait(idleMs);
    const before = own();
    for (const name of names) await one.run('run', '-d', '--name', name, image, 'sleep', '100000');
    await wait(idleMs);
    const helpers = one.helpers().reduce((sum, pid) => sum + pssKb(pid), 0);
    added.push((own() - before + helpers) / idle);
    await one.run('rm', '-f', ...names);
  }
  return [inMegabytes('an idle container with its json log, PSS', added, { ratio: 0.1 })];
};

/** Many containers with published ports at once. */
export const crowd: DockerMeasure = async (all, { rounds, crowd: size }) => {
  const numbers = Array.from({ length: size }, (_, at) => at);
  const figures = await inTurns(
    Math.ceil(rounds / 5),
    all.map((engine, which) => ({
      engine,
      work: async (round: number) => {
        const start = (at: number) => {
          const port = 20_000 + which * 10_000 + (round % 50) * size + at;
          return engine.run('run', '-d', '--name', `crowd-${at}`, '-p', `${port}:80`, image, 'sleep', '100000');
        };
        await Promise.all(numbers.map(start));
      },
      after: () => engine.run('rm', '-f', ...numbers.map((at) => `crowd-${at}`)),
    })),
  );
  return [{ name: `${size} run -d -p at once`, unit: 'ms', figures, goal: { ratio: 0.5 } }];
};

const width = 8;

async function inParallel(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  const left = [...names];
  const one = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: width }, one));
}
