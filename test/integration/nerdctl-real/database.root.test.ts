import { afterAll, beforeAll, expect, test } from 'bun:test';
import { setTimeout as wait } from 'node:timers/promises';
import { postgresImage } from '#test/support/program-image';
import { type RealRig, startRealRig } from './rig.ts';

let rig: RealRig;
beforeAll(async () => {
  rig = await startRealRig();
  await rig.load('postgres:15', postgresImage());
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

const sql = (text: string) => rig.nerdctl('exec', 'db', 'psql', '-U', 'postgres', '-h', '127.0.0.1', '-Atc', text);

/** When the database answers. @throws with its log when it never does */
async function answer(text: string): Promise<string> {
  for (const end = Date.now() + 120_000; Date.now() < end; await wait(100)) {
    const { code, stdout } = await sql(text);
    if (code === 0) return stdout.trim();
  }
  throw new Error((await rig.nerdctl('logs', 'db')).stderr);
}

test('a database keeps its data in a volume: when it is killed, when it is stopped, and in another container', async () => {
  await rig.ok('run', '-d', '--name', 'db', '-v', 'pgdata:/var/lib/postgresql/data', '--restart=always', 'postgres:15');
  expect(await answer('select 1')).toBe('1');
  await answer('create table kept (word text)');
  await answer("insert into kept select 'word' || n from generate_series(1, 1000) n");
  await rig.ok('kill', '-s', 'KILL', 'db');
  await rig.ok('wait', 'db');
  expect(await rig.ok('inspect', '-f', '{{.State.Status}}', 'db')).toBe('exited'); // the user's own doing
  await rig.ok('start', 'db');
  expect(await answer('select count(*) from kept')).toBe('1000');
  const pid = Number(await rig.ok('inspect', '-f', '{{.State.Pid}}', 'db'));
  process.kill(pid, 'SIGKILL');
  for (let now = pid; now === pid || now === 0; await wait(50))
    now = Number(await rig.ok('inspect', '-f', '{{.State.Pid}}', 'db'));
  expect(await answer('select count(*) from kept')).toBe('1000');
  await rig.ok('stop', 'db');
  expect(await rig.ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'db')).toBe('exited 0');
  expect((await rig.nerdctl('logs', '--tail', '3', 'db')).stderr).toContain('database system is shut down');
  await rig.ok('rm', 'db');
  await rig.ok('run', '-d', '--name', 'db', '-v', 'pgdata:/var/lib/postgresql/data', 'postgres:15');
  expect(await answer("select word from kept where word = 'word77'")).toBe('word77');
  await rig.ok('rm', '-f', 'db');
  await rig.ok('volume', 'rm', 'pgdata');
  expect(await rig.left()).toEqual([]);
}, 300_000);
