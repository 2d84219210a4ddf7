/**
 * Measures Berth's nerdctl beside Debian's docker 20.10 (`npm run peers` fetches it), both in a network namespace that is made for it:
 *
 *   npm run bench:docker -- [--write] [--rounds N] [--only NAME[,NAME]] [--small]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { busyboxImage } from '#test/support/busybox-image';
import { writeDockerArchive } from '#test/support/docker-archive';
import { type Result, reached } from '../measure.ts';
import { surroundings, table } from '../report.ts';
import { startContenders } from './contender.ts';
import { type Amount, crowd, type DockerMeasure, image, list, logs, memory, runAndExec } from './measures.ts';
import { dockerPage } from './page.ts';

const inside = 'BERTH_BENCH_NETWORK';
if (process.env[inside] === undefined) {
  // With a sysfs that shows its interfaces, as every machine has.
  const own =
    'mount -t sysfs sysfs /mnt && mount --rbind /sys/fs/cgroup /mnt/fs/cgroup && mount --move /mnt /sys && exec "$@"';
  const again = ['--net', '--mount', '--', 'sh', '-c', own, 'sh', process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', again, { stdio: 'inherit', env: { ...process.env, [inside]: 'own' } });
  process.exit(status ?? 1);
}

const measures: Readonly<Record<string, DockerMeasure>> = { run: runAndExec, list, logs, crowd, memory };
const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(measures).join(',') },
    rounds: { type: 'string', default: '15' },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: wanted a number from 1');
const all: Amount = { rounds, listed: 300, logBytes: 256e6, idle: 30, crowd: 20, idleMs: 20_000 };
const small: Amount = { rounds: 2, listed: 5, logBytes: 1e6, idle: 2, crowd: 3, idleMs: 100 };

const directory = mkdtempSync('/dev/shm/berth-bench-docker-');
try {
  spawnSync('ip', ['link', 'set', 'lo', 'up']);
  const results = await measured(options.small ? small : all);
  const missed = results.filter((result) => reached(result, 'goal') === false).map(({ name }) => name);
  console.log(missed.length === 0 ? 'Every goal is reached.' : `Not reached: ${missed.join('; ')}.`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measured(amount: Amount): Promise<readonly Result[]> {
  await using contenders = await startContenders('/dev/shm');
  const archive = join(directory, 'busybox.tar');
  writeDockerArchive(archive, image, busyboxImage());
  const names = contenders.all.map(({ name }) => name);
  for (const one of contenders.all) await one.run('load', '-i', archive);
  const results: Result[] = [];
  for (const name of options.only.split(',')) {
    const measure = measures[name];
    if (measure === undefined) throw new Error(`--only ${name}: wanted ${Object.keys(measures).join(', ')}`);
    const some = await measure(contenders.all, amount);
    console.error(`${table(some, names)}\n`);
    results.push(...some);
  }
  const text = table(results, names);
  console.log(text);
  const file = new URL('../../../docs/reference/performance-docker.md', import.meta.url).pathname;
  if (options.write) writeFileSync(file, dockerPage(text, surroundings(await versions(contenders.all)), rounds));
  return results;
}

async function versions(contenders: Awaited<ReturnType<typeof startContenders>>['all']): Promise<readonly string[]> {
  const lines = await Promise.all(contenders.map((one) => one.output('--version')));
  return lines.map((line) => `\`${line.trim()}\``);
}
