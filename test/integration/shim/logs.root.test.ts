import { expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { formatLogUri } from '#lib/log-uri';
import { readLogBatches } from '#ops/logs/read-logs';
import { attachable, created, follow, linesOf, logged, rig, start, textOf } from './log-rig.ts';
import { type Rig, shimProgram, tasks } from './rig.ts';

/** Runs a script to its end with a json log. */
async function run(
  r: Rig,
  id: string,
  script: string,
  options: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { path, streams } = logged(r, id, options);
  const shim = await r.launch(id, { args: ['sh', '-c', script], ...streams });
  expect(await shim.exitOf()).toBe(0);
  await shim.end();
  return path;
}

test('both outputs are in one log, in the form of docker', async () => {
  await using r = await rig();
  const before = Date.now();
  const script = 'echo "one <&>"; sleep 0.05; printf \'two"\\\\\\t\\377\\n\' >&2; sleep 0.05; printf last';
  const path = await run(r, 'c1', script, { attrs: '{"a":"b c&d"}' });
  expect(readFileSync(path, 'utf8').replaceAll(/"time":"[^"]*"/g, 'TIME')).toBe(
    '{"log":"one \\u003c\\u0026\\u003e\\n","stream":"stdout","attrs":{"a":"b c&d"},TIME}\n' +
      '{"log":"two\\"\\\\\\u0009\\ufffd\\n","stream":"stderr","attrs":{"a":"b c&d"},TIME}\n' +
      '{"log":"last","stream":"stdout","attrs":{"a":"b c&d"},TIME}\n',
  );
  for (const { time } of linesOf(path)) expect(Date.parse(time)).toBeGreaterThanOrEqual(before - 1);
  expect(statSync(path).mode & 0o777).toBe(0o640);
}, 120_000);

test('long lines are cut as docker cuts them', async () => {
  await using r = await rig();
  const path = await run(r, 'c1', 'head -c 16384 /dev/zero; echo; head -c 40000 /dev/zero; echo; echo short');
  expect(linesOf(path).map(({ log }) => [log.length, log.endsWith('\n')])).toEqual([
    [16384, false],
    [1, true],
    [16384, false],
    [16384, false],
    [40000 - 2 * 16384 + 1, true],
    [6, true],
  ]);
  const times = linesOf(path).map(({ time }) => time);
  expect(times[0]).toBe(times[1] as string); // parts have the time of the first
}, 120_000);

test('the log of a container that starts again goes on, also behind a line that was cut', async () => {
  await using r = await rig();
  const { path, streams } = logged(r, 'c1');
  writeFileSync(path, '{"log":"cut');
  for (const id of ['c1', 'c2']) {
    const shim = await r.launch(id, { args: ['echo', id], ...streams });
    await shim.exitOf();
    await shim.end();
  }
  const [cut, ...rest] = readFileSync(path, 'utf8').trim().split('\n');
  expect(cut).toBe('{"log":"cut');
  expect(rest.map((line) => JSON.parse(line).log)).toEqual(['c1\n', 'c2\n']);
}, 120_000);

test('rotation by size, without losing a line or going over the number', async () => {
  await using r = await rig();
  const path = await run(r, 'c1', 'seq 1 20000', { 'max-size': '50000', 'max-file': '4' });
  const name = path.slice(path.lastIndexOf('/') + 1);
  const files = readdirSync(r.directory).filter((file) => file.startsWith(name));
  expect(files.sort()).toEqual([name, `${name}.1`, `${name}.2`, `${name}.3`]);
  const all = [`${path}.3`, `${path}.2`, `${path}.1`, path];
  const numbers = all.flatMap((file) => linesOf(file).map(({ log }) => Number(log)));
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 20_001 - numbers.length + i));
  for (const file of all.slice(0, 3)) {
    expect(statSync(file).size).toBeGreaterThanOrEqual(50_000);
    expect(statSync(file).size).toBeLessThan(50_200); // the line that went over, as docker
  }
  const single = await run(r, 'c2', 'seq 1 20000', { 'max-size': '50000' });
  expect(existsSync(`${single}.1`)).toBe(false);
  expect(statSync(single).size).toBeLessThan(50_200);
  expect(textOf(single)).toEndWith('\n20000\n');
}, 120_000);

test('who follows a log that is rotated all the time reads every line once', async () => {
  await using r = await rig();
  const { path, streams } = logged(r, 'c1', { 'max-size': '200000', 'max-file': '500' });
  const shim = await r.launch('c1', { args: ['sh', '-c', 'seq 100000; usleep 300000; seq 100001 200000'], ...streams });
  const ended = new AbortController();
  const exit = shim.exitOf().then(() => ended.abort());
  let next = 1;
  const { signal } = new AbortController();
  for await (const batch of readLogBatches({ path, follow: true, ended: ended.signal, signal }))
    for (const { text } of batch) if (text !== `${next++}\n`) throw new Error(`${text} in the place of ${next - 1}`);
  expect(next).toBe(200_001);
  await exit;
  expect(existsSync(`${path}.60`)).toBe(true);
  await shim.end();
}, 120_000);

test('a full disk and a log that cannot be written stop nobody, and what is written is whole', async () => {
  await using r = await rig();
  const directory = join(r.directory, 'small');
  mkdirSync(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]);
  try {
    const path = join(directory, 'c1.log');
    const uri = formatLogUri({ driver: 'json-file', attach: '', options: { path } });
    const filler = join(directory, 'filler');
    writeFileSync(filler, Buffer.alloc(100_000));
    const script = 'seq 1 100000; while read x; do echo $x; done';
    const stdin = r.fifo('in');
    const shim = await r.launch('c1', { args: ['sh', '-c', script], stdin, stdout: uri, stderr: uri });
    await r.eventually('the disk is full', () => statSync(path).size > 100_000);
    await wait(300);
    rmSync(filler);
    appendFileSync(stdin, 'again\n');
    await r.eventually('it is written again', () => textOf(path).endsWith('again\n'));
    await shim.call(tasks.closeIO, { id: 'c1', stdin: true });
    expect(await shim.exitOf()).toBe(0);
    const numbers = textOf(path).split('\n').slice(0, -2).map(Number);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1));
    expect(numbers.length).toBeLessThan(100_000);
    await shim.end();
  } finally {
    execFileSync('umount', [directory]);
  }
}, 120_000);

test('what the options say must make sense, and the log must be possible', async () => {
  await using r = await rig();
  const shim = await r.start('c1');
  const path = join(r.directory, 'x.log');
  const refused = async (driver: string, options: Readonly<Record<string, string>>, why: string) =>
    await expect(shim.create({ stdout: formatLogUri({ driver, attach: '', options }) })).rejects.toThrow(why);
  await refused('gelf', {}, 'log driver gelf');
  await refused('json-file', {}, 'an absolute path is needed');
  await refused('json-file', { path: 'relative' }, 'an absolute path is needed');
  await refused('json-file', { path: '/nowhere/x.log' }, 'no such file or directory');
  await refused('json-file', { path: r.directory }, 'is a directory');
  await refused('json-file', { path: '/dev/null' }, 'no regular file');
  await refused('json-file', { path, 'max-size': '10m' }, 'max-size: 10m is no number');
  await refused('json-file', { path, 'max-file': '0' }, 'max-file: 0 is no number from 1');
  await refused('json-file', { path, attrs: '[1]' }, 'attrs must be a JSON object');
  await refused('json-file', { path, 'max-files': '2' }, 'unknown option max-files');
  await refused('none', { path }, 'unknown option path');
  await refused('syslog', { 'syslog-address': 'tcp+tls://127.0.0.1' }, 'TLS is not spoken');
  await refused('syslog', { 'syslog-address': 'tcp://some.where:1' }, 'the number of a machine');
  await refused('syslog', { 'syslog-address': `unix://${path}.sock` }, 'no such file or directory');
  await refused('fluentd', { 'fluentd-address': 'tcp://127.0.0.1:9' }, 'connection refused');
  await refused('journald', { socket: `unixgram://${path}.sock` }, 'no such file or directory');
}, 120_000);

test('whoever hears of the end of a process finds all of its log', async () => {
  await using r = await rig();
  for (let i = 0; i < 10; i++) {
    const id = `c${i}`;
    const { path, streams } = logged(r, id);
    const shim = await r.launch(id, { args: ['sh', '-c', 'usleep 20000; seq 1 3000; printf end'], ...streams });
    await shim.exitOf();
    expect(textOf(path)).toEndWith('3000\nend');
    await shim.end();
  }
}, 120_000);

test('a shim that was killed has written what it had read', async () => {
  await using r = await rig();
  const { path, streams } = logged(r, 'c1');
  const shim = await r.launch('c1', { args: ['sh', '-c', 'while :; do seq 1 1000; done'], ...streams });
  await r.eventually('a few lines', () => existsSync(path) && statSync(path).size > 1_000_000);
  process.kill(await shim.pid(), 'SIGKILL');
  r.run('c1', 'delete');
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  expect(lines.map((line, i) => Number(JSON.parse(line).log) - (i % 1000)).every((number) => number === 1)).toBe(true);
}, 120_000);

test('memory that logs and clients needed goes back', async () => {
  await using r = await rig();
  const { path, attach, streams } = attachable(r, 'c1');
  const plain = await r.launch('c0', { args: ['sleep', '1000'] });
  const shim = await created(r, 'c1', { args: ['sh', '-c', 'seq 1 300000; read x'], ...streams });
  const client = await follow(attach);
  await start(shim);
  await r.eventually('all is written', () => client.length() === 1_988_895);
  await client.attachment[Symbol.asyncDispose]();
  await wait(800);
  const most = shimProgram.includes('asan') ? 8000 : 40; // sanitizers keep what was freed
  const kilobytes = async (of: typeof shim) =>
    Number(/^Private_Dirty: +(\d+)/m.exec(readFileSync(`/proc/${await of.pid()}/smaps_rollup`, 'latin1'))?.[1]);
  await wait(800); // asking woke it
  expect((await kilobytes(shim)) - (await kilobytes(plain))).toBeLessThan(most);
  expect(textOf(path)).toHaveLength(1_988_895);
  await shim.end();
  await plain.end();
}, 120_000);
