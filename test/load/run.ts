/**
 * Puts load on the built daemon and looks whether anything grows or is left. Needs root. Some minutes.
 *
 *   npm run load -- [--write] [--only crowd,idle,execs,churn,pulls] [--minutes N] [--crowd N] [--idle N] [--execs N] [--clients N] [--parent DIR]
 *
 * `--minutes` is how long containers are made and removed, and images pulled (2 unless told). Ends with 1 when something is wrong.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { churn, crowd, execs, idle, type Outcome } from './measures.ts';
import { pulls } from './pulls.ts';
import { page, section } from './report.ts';
import { startRig } from './rig.ts';

const measures = { crowd, idle, execs, churn, pulls } as const;
const names = Object.keys(measures) as (keyof typeof measures)[];
const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string', default: names.join(',') },
    minutes: { type: 'string', default: '2' },
    crowd: { type: 'string', default: '200' },
    idle: { type: 'string', default: '1000' },
    execs: { type: 'string', default: '20' },
    clients: { type: 'string', default: '16' },
    parent: { type: 'string', default: '/dev/shm' },
  },
});
const chosen = names.filter((name) => options.only.split(',').includes(name));
if (chosen.length !== options.only.split(',').length)
  throw new Error(`--only ${options.only}: wanted ${names.join(', ')}`);
if (options.write && chosen.length < names.length) throw new Error('--write needs all measures');
const number = (name: 'minutes' | 'crowd' | 'idle' | 'execs' | 'clients'): number => {
  const value = Number(options[name]);
  if (!(value > 0)) throw new Error(`--${name} ${options[name]}: wanted a number`);
  return value;
};
const size = {
  crowd: number('crowd'),
  idle: number('idle'),
  execRounds: number('execs'),
  churnSeconds: number('minutes') * 60,
};

const before = loadavg()[2] ?? 0;
const outcomes: Outcome[] = [];
for (const name of chosen) {
  await using rig = await startRig(number('clients'), options.parent);
  const outcome = await measures[name](rig, size);
  outcomes.push(outcome);
  console.log(section(outcome));
}
if (options.write)
  writeFileSync(new URL('../../docs/reference/reliability.md', import.meta.url), page(outcomes, before));
const wrong = outcomes.flatMap(({ name, wrong: what }) => what.map((each) => `${name}: ${each}`));
console.log(wrong.length === 0 ? 'load: nothing grows, nothing is left' : `load: ${wrong.length} things are wrong`);
process.exitCode = wrong.length === 0 ? 0 : 1;
