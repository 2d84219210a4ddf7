import { setTimeout as wait } from 'node:timers/promises';
import { execIn } from '#test/support/containers';
import { end, launch, type Rig, shared } from './rig.ts';
import { type Sample, sampleOf } from './sample.ts';

/** What one measure found. `wrong` is empty when all is as it should be. */
export interface Outcome {
  readonly name: string;
  /** Words and figures, for people. */
  readonly figures: Readonly<Record<string, string>>;
  readonly series: readonly Sample[];
  readonly wrong: readonly string[];
}

export interface Size {
  /** Containers of the crowd. */
  readonly crowd: number;
  /** Idle containers. */
  readonly idle: number;
  readonly execRounds: number;
  readonly churnSeconds: number;
}

/** Many containers by many clients at once, then their removal by as many. */
export async function crowd(rig: Rig, { crowd: count }: Size): Promise<Outcome> {
  const { scope, top } = rig.on;
  const before = await warm(rig);
  const begin = performance.now();
  const starts = await shared(rig, count, (client, n) => launch(client, scope, `crowd-${n}`, top));
  const started = performance.now();
  const at = await sampleOf(rig, (started - begin) / 1000, count);
  const wrong = at.shims === count ? [] : [`${at.shims} shims run for ${count} containers`];
  const removing = performance.now();
  const ends = await shared(rig, count, (client, n) => end(client, scope, `crowd-${n}`));
  const removed = performance.now();
  const after = await settled(rig, before);
  return {
    name: `${count} containers by ${rig.clients.length} clients at once`,
    figures: {
      'all started': ms(started - begin),
      'one start, median and worst': `${ms(quantile(starts, 0.5))}, ${ms(quantile(starts, 1))}`,
      'all ended and removed': ms(removed - removing),
      'one removal, median and worst': `${ms(quantile(ends, 0.5))}, ${ms(quantile(ends, 1))}`,
    },
    series: [before, at, after],
    wrong: [...wrong, ...kept(before, after)],
  };
}

/** Many containers that do nothing: what they cost, whether the daemon answers, and whether it takes all of them back after a restart. */
export async function idle(rig: Rig, { idle: count }: Size): Promise<Outcome> {
  const { scope, top, client, daemon } = rig.on;
  const before = await warm(rig);
  const series = [before];
  const begin = performance.now();
  const step = Math.max(1, Math.ceil(count / 5));
  for (let made = 0; made < count; ) {
    const some = Math.min(step, count - made);
    const from = made;
    await shared(rig, some, (one, n) => launch(one, scope, `idle-${from + n}`, top));
    made += some;
    series.push(await sampleOf(rig, (performance.now() - begin) / 1000, made));
  }
  const full = series.at(-1) as Sample;
  const calls = await timed(20, () => client.version(scope.signal));
  const lists = await timed(5, () => client.tasks.list(scope));
  const restarting = performance.now();
  await daemon.restart();
  const recovered = performance.now() - restarting;
  const { length } = (await client.tasks.list(scope)).filter(({ status }) => status === 'running');
  const wrong = length === count ? [] : [`${length} of ${count} containers run after a restart of the daemon`];
  series.push(await sampleOf(rig, (performance.now() - begin) / 1000, count));
  const [removing, removedFrom] = [performance.now(), count];
  await shared(rig, removedFrom, (one, n) => end(one, scope, `idle-${n}`));
  const removed = performance.now() - removing;
  const after = await settled(rig, before);
  const growth = full.proportionalMb - before.proportionalMb;
  return {
    name: `${count} idle containers`,
    figures: {
      'PSS of one shim': `${(full.shimsMb / count).toFixed(2)} MB`,
      "the daemon's PSS for each": `${((growth / count) * 1000).toFixed(0)} kB`,
      'descriptors of the daemon for each': ((full.descriptors - before.descriptors) / count).toFixed(2),
      'a call meanwhile, median and worst': `${ms(quantile(calls, 0.5))}, ${ms(quantile(calls, 1))}`,
      'a list of all tasks': ms(quantile(lists, 0.5)),
      'restart of the daemon until all are back': ms(recovered),
      'all ended and removed': ms(removed),
    },
    series: [...series, after],
    wrong: [...wrong, ...kept(before, after)],
  };
}

const parallelExecs = 30;

/** Many processes at once in one container, again and again. */
export async function execs(rig: Rig, { execRounds }: Size): Promise<Outcome> {
  const { scope, top, client } = rig.on;
  const before = await warm(rig);
  await launch(client, scope, 'execs', top);
  const series = [await sampleOf(rig, 0, 1)];
  const begin = performance.now();
  const rounds: number[] = [];
  const wrong: string[] = [];
  for (let round = 0; round < execRounds; round++) {
    const from = performance.now();
    await Promise.all(
      Array.from({ length: parallelExecs }, async (_, n) => {
        const [id, code] = [`e${round}-${n}`, n + 1];
        await execIn(client, scope, 'execs', id, ['/bin/sh', '-c', `exit ${code}`]);
        const { exitStatus } = await client.tasks.wait(scope, 'execs', id);
        await client.tasks.deleteProcess(scope, 'execs', id);
        if (exitStatus !== code) wrong.push(`exec ${id} ended with ${exitStatus}`);
      }),
    );
    rounds.push(performance.now() - from);
  }
  series.push(await sampleOf(rig, (performance.now() - begin) / 1000, 1));
  await end(client, scope, 'execs');
  const after = await settled(rig, before);
  const [first, last] = series as [Sample, Sample];
  if (last.shimsMb > first.shimsMb + 2) wrong.push(`the shim grew from ${first.shimsMb} to ${last.shimsMb} MB`);
  return {
    name: `${parallelExecs} execs at once in one container, ${execRounds} times`,
    figures: { 'a round, median and worst': `${ms(quantile(rounds, 0.5))}, ${ms(quantile(rounds, 1))}` },
    series: [before, ...series, after],
    wrong: [...wrong, ...kept(before, after)],
  };
}

/** Containers that are made, run to their end and removed, for so long: nothing may grow. */
export async function churn(rig: Rig, { churnSeconds }: Size): Promise<Outcome> {
  const { scope, top } = rig.on;
  const before = await warm(rig);
  const series: Sample[] = [];
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  let made = 0;
  // The measure's own pauses give even samples: between them nothing is under way.
  const pieces = piecesOf(churnSeconds);
  for (let piece = 1; piece <= pieces; piece++) {
    const until = (churnSeconds * piece) / pieces;
    await Promise.all(
      rig.clients.slice(0, churners).map(async (client) => {
        while (seconds() < until) {
          const id = `churn-${made++}`;
          await launch(client, scope, id, top);
          await end(client, scope, id);
        }
      }),
    );
    await wait(1_000);
    series.push(await sampleOf(rig, seconds(), made));
  }
  const after = await settled(rig, before);
  return {
    name: `containers made and removed for ${churnSeconds} s by ${churners} clients`,
    figures: { 'containers made and removed': String(made), 'each second': (made / churnSeconds).toFixed(1) },
    series: [before, ...series, after],
    wrong: [...growing(series), ...kept(before, after)],
  };
}

const churners = 4;

/** How many samples are taken of so long a time. */
export const piecesOf = (seconds: number): number => Math.max(3, Math.min(12, Math.round(seconds / 20)));

/** A daemon that has done everything once: what it keeps for good is there. */
export async function warm(rig: Rig): Promise<Sample> {
  const { scope, top } = rig.on;
  await shared(rig, rig.clients.length * 2, async (client, n) => {
    await launch(client, scope, `warm-${n}`, top);
    await end(client, scope, `warm-${n}`);
  });
  await wait(2_000);
  return sampleOf(rig, 0, 0);
}

const patienceSeconds = 60;

/** Waits until what is removed behind the last answer is gone. */
export async function settled(rig: Rig, before: Sample): Promise<Sample> {
  let now = await sampleOf(rig, 0, 0);
  for (let waited = 0; waited < patienceSeconds && kept(before, now).length > 0; waited++) {
    await wait(1_000);
    now = await sampleOf(rig, 0, 0);
  }
  return now;
}

/** Blobs and connections are kept open for a while; threads are the pool's, made when they are first needed. */
const slack: Partial<Record<keyof Sample, number>> = {
  descriptors: 8,
  threads: 4,
  residentMb: 150,
  proportionalMb: 150,
};
const countable = ['threads', 'descriptors', 'inotify', 'mounts', 'cgroups', 'shims', 'pending', 'residentMb'] as const;

/** What is there afterwards and was not there before. */
export function kept(before: Sample, after: Sample): readonly string[] {
  return countable
    .filter((name) => after[name] > before[name] + (slack[name] ?? 0))
    .map((name) => `${name}: ${before[name].toFixed(0)} before, ${after[name].toFixed(0)} afterwards`);
}

/** Compares the middle third of a series with its last: the first is still on its way up. */
export function growing(series: readonly Sample[]): readonly string[] {
  const third = Math.max(1, Math.floor(series.length / 3));
  const [middle, last] = [series.slice(third, 2 * third), series.slice(-third)];
  const mean = (some: readonly Sample[], name: (typeof countable)[number]) =>
    some.reduce((sum, sample) => sum + sample[name], 0) / some.length;
  return countable
    .filter((name) => mean(last, name) > mean(middle, name) * 1.1 + (name === 'residentMb' ? 10 : 3))
    .map(
      (name) =>
        `${name} grows: ${mean(middle, name).toFixed(1)} in the middle, ${mean(last, name).toFixed(1)} at the end`,
    );
}

async function timed(times: number, work: () => Promise<unknown>): Promise<readonly number[]> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const begin = performance.now();
    await work();
    took.push(performance.now() - begin);
  }
  return took;
}

const ms = (value: number): string =>
  value < 1_000 ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : `${(value / 1000).toFixed(1)} s`;
function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}
