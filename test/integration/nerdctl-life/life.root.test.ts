import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLifecycle } from '#core/engine/lifecycle-file';
import { eventually, type LifeRig, startLifeRig } from './rig.ts';

let rig: LifeRig;
beforeAll(async () => {
  rig = await startLifeRig();
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

const status = async (id: string) => (await rig.client.tasks.state(rig.scope, id, '')).status;
const isGone = async (id: string) => !(await rig.client.containers.list(rig.scope)).some((one) => one.id === id);

// shows: start, rm, rm --force, rm -f
test('start runs a container once, and says each name; what is wrong with one keeps none of the others', async () => {
  const a = await rig.make('a', ['sleep', '1000']);
  const b = await rig.make('b', ['sleep', '1000']);
  expect(await rig.nerdctl(['start', 'a', 'nobody', b.id.slice(0, 8)])).toEqual({
    code: 1,
    out: `a\n${b.id.slice(0, 8)}\n`,
    err: 'Error response from daemon: No such container: nobody\n',
  });
  const { pid } = await rig.client.tasks.state(rig.scope, a.id, '');
  expect(await rig.nerdctl(['start', 'a'])).toEqual({ code: 0, out: 'a\n', err: '' });
  expect((await rig.client.tasks.state(rig.scope, a.id, '')).pid).toBe(pid);
  await eventually(
    () => readLifecycle(rig.stateDir(a.id)),
    ({ startedAt }) => startedAt !== '',
  );

  expect(await rig.nerdctl(['rm', 'a'])).toEqual({
    code: 1,
    out: '',
    err: `Error response from daemon: You cannot remove a running container ${a.id}. Stop the container before attempting removal or force remove\n`,
  });
  expect(await rig.nerdctl(['rm', '-f', 'a', 'b'])).toEqual({ code: 0, out: 'a\nb\n', err: '' });
  expect([await isGone(a.id), await isGone(b.id)]).toEqual([true, true]);
  expect(await rig.nerdctl(['rm', '-f', 'a'])).toEqual({ code: 0, out: '', err: 'Error: No such container: a\n' });
  expect(await rig.nerdctl(['rm', 'a'])).toMatchObject({ code: 1, out: '' });
}, 300_000);

// shows: stop --time, stop -t, stop --signal, stop -s, restart --time, wait, kill --signal, kill -s
test('stop is gentle for so long, then it kills; restart begins anew', async () => {
  const polite = await rig.make('polite', [
    'sh',
    '-c',
    'trap "exit 3" TERM; trap "exit 4" USR1; while :; do sleep 0.05; done',
  ]);
  const deaf = await rig.make('deaf', ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done']);
  await rig.nerdctl(['start', 'polite', 'deaf']);
  const logs = async (id: string) => (await rig.client.tasks.pids(rig.scope, id)).length;
  await eventually(
    () => logs(polite.id),
    (count) => count > 1,
  );
  expect(await rig.nerdctl(['stop', 'polite'])).toMatchObject({ code: 0, out: 'polite\n' });
  expect(await rig.nerdctl(['wait', 'polite'])).toMatchObject({ code: 0, out: '3\n' });
  await eventually(
    () => logs(deaf.id),
    (count) => count > 1,
  );
  expect(await rig.nerdctl(['stop', '-t', '0', 'deaf'])).toMatchObject({ code: 0 });
  expect(await rig.nerdctl(['wait', 'deaf', 'polite'])).toMatchObject({ code: 0, out: '137\n3\n' });
  expect(
    await eventually(
      () => readLifecycle(rig.stateDir(deaf.id)),
      ({ finishedAt }) => finishedAt !== '',
    ),
  ).toMatchObject({
    exitCode: 137,
  });
  await rig.nerdctl(['restart', '-t', '1', 'polite']);
  expect(await status(polite.id)).toBe('running');
  await eventually(
    () => logs(polite.id),
    (count) => count > 1,
  );
  const waiting = rig.nerdctl(['wait', 'polite']);
  expect(await rig.nerdctl(['stop', '-s', 'USR1', 'polite'])).toMatchObject({ code: 0 });
  expect((await waiting).out).toBe('4\n');
  expect(await rig.nerdctl(['kill', '-s', 'NOSUCH', 'polite'])).toMatchObject({ code: 1 });
  expect(await rig.nerdctl(['kill', 'polite'])).toMatchObject({
    code: 1,
    err: `Error response from daemon: Cannot kill container: ${polite.id}: Container ${polite.id} is not running\n`,
  });
}, 300_000);

// shows: pause, unpause
test('what is paused says so, and can be stopped', async () => {
  const { id } = await rig.make('frozen', ['sleep', '1000']);
  expect(await rig.nerdctl(['pause', 'frozen'])).toMatchObject({
    code: 1,
    err: `Error response from daemon: Container ${id} is not running\n`,
  });
  await rig.nerdctl(['start', 'frozen']);
  expect(await rig.nerdctl(['unpause', 'frozen'])).toMatchObject({
    code: 1,
    err: `Error response from daemon: Container ${id} is not paused\n`,
  });
  expect(await rig.nerdctl(['pause', 'frozen'])).toMatchObject({ code: 0, out: 'frozen\n' });
  expect(await rig.nerdctl(['pause', 'frozen'])).toMatchObject({
    code: 1,
    err: `Error response from daemon: Container ${id} is already paused\n`,
  });
  expect(await rig.nerdctl(['exec', 'frozen', 'true'])).toMatchObject({
    code: 1,
    err: `Error response from daemon: Container ${id} is paused, unpause the container before exec\n`,
  });
  expect((await rig.nerdctl(['rm', 'frozen'])).err).toContain('You cannot remove a paused container');
  expect(await rig.nerdctl(['unpause', 'frozen'])).toMatchObject({ code: 0 });
  expect(await rig.nerdctl(['pause', 'frozen'])).toMatchObject({ code: 0 });
  expect(await rig.nerdctl(['stop', '-t', '1', 'frozen'])).toMatchObject({ code: 0 });
  expect(await status(id)).toBe('stopped');
}, 300_000);

// shows: rename
test('a name passes to another container, and is refused when it is taken', async () => {
  const one = await rig.make('one', ['true']);
  const two = await rig.make('two', ['true']);
  expect(await rig.nerdctl(['rename', 'one', 'two'])).toMatchObject({
    code: 1,
    err: expect.stringContaining(`The container name "/two" is already in use by container "${two.id}"`),
  });
  expect(await rig.nerdctl(['rename', 'one', 'bad name'])).toMatchObject({ code: 1 });
  expect(await rig.nerdctl(['rename', 'one', 'x'.repeat(300)])).toMatchObject({ code: 1 });
  expect(await rig.nerdctl(['rename', 'one', 'eins'])).toEqual({ code: 0, out: '', err: '' });
  expect(await rig.nerdctl(['rename', 'two', 'one'])).toMatchObject({ code: 0 });
  expect((await rig.client.containers.get(rig.scope, one.id)).labels['nerdctl/name']).toBe('eins');
}, 300_000);

// shows: top
test('top shows what runs inside, as ps of this machine does', async () => {
  await rig.make('busy', ['sh', '-c', 'sleep 1234 & sleep 2345']);
  await rig.nerdctl(['start', 'busy']);
  const { out } = await eventually(
    () => rig.nerdctl(['top', 'busy']),
    (ran) => ran.out.includes('2345'),
  );
  expect(out.split('\n')[0]).toMatch(/^UID +PID +PPID/);
  expect(out).toContain('sleep 1234');
  expect((await rig.nerdctl(['top', 'busy', '-o', 'pid,args'])).out.split('\n')[0]).toMatch(/^PID +COMMAND/);
  expect(await rig.nerdctl(['top', 'busy', '--nonsense'])).toMatchObject({ code: 1 });
}, 300_000);

// shows: exec --env, exec -e, exec --workdir, exec -w, exec --user, exec -u, exec --privileged, exec --interactive, exec -i, exec --detach, exec -d
test('exec runs beside the container’s process, as asked, and ends with its code', async () => {
  const { id } = await rig.make('host', ['sleep', '1000']);
  expect(await rig.nerdctl(['exec', 'host', 'true'])).toMatchObject({
    code: 1,
    err: `Error response from daemon: Container ${id} is not running\n`,
  });
  await rig.nerdctl(['start', 'host']);
  expect(
    await rig.nerdctl([
      'exec',
      '-e',
      'A=1',
      '--env',
      'B=2',
      '-w',
      '/tmp',
      'host',
      'sh',
      '-c',
      'echo $A$B; pwd; echo no >&2; exit 7',
    ]),
  ).toEqual({
    code: 7,
    out: '12\n/tmp\n',
    err: 'no\n',
  });
  expect(await rig.nerdctl(['exec', '-i', 'host', 'cat'], { stdin: 'hello' })).toEqual({
    code: 0,
    out: 'hello',
    err: '',
  });
  expect(await rig.nerdctl(['exec', 'host', 'nosuchprogram'])).toMatchObject({ code: 127 });
  expect(await rig.nerdctl(['exec', 'host', '/etc'])).toMatchObject({ code: 126 });
  expect(
    (
      await rig.nerdctl([
        'exec',
        '-u',
        '1000:1000',
        'host',
        'sh',
        '-c',
        'id -u; while read a b; do [ $a = CapEff: ] && echo $b; done < /proc/self/status',
      ])
    ).out,
  ).toBe('1000\n0000000000000000\n');
  const effective = async (...flags: string[]) =>
    BigInt(
      `0x${(await rig.nerdctl(['exec', ...flags, 'host', 'sh', '-c', 'while read a b; do [ $a = CapEff: ] && echo $b; done < /proc/self/status'])).out.trim()}`,
    );
  expect((await effective('--privileged')) > (await effective())).toBe(true);
  expect(await rig.nerdctl(['exec', '-d', 'host', 'sleep', '4321'])).toEqual({ code: 0, out: '', err: '' });
  expect((await rig.nerdctl(['top', 'host'])).out).toContain('sleep 4321');
  expect(await rig.nerdctl(['exec', '-it', 'host', 'sh'])).toMatchObject({
    code: 1,
    err: 'the input device is not a TTY\n',
  });
}, 300_000);

test('fifty execs beside each other', async () => {
  await rig.make('crowd', ['sleep', '1000']);
  await rig.nerdctl(['start', 'crowd']);
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, n) => rig.nerdctl(['exec', 'crowd', 'sh', '-c', `echo ${n}; exit ${n}`])),
  );
  expect(all.map(({ code, out }) => [code, out])).toEqual(Array.from({ length: 50 }, (_, n) => [n, `${n}\n`]));
}, 300_000);

// shows: start --attach, start -a, start --interactive, start -i
test('start -a misses nothing of a container that ends at once, and ends with its code', async () => {
  await rig.make('brief', ['sh', '-c', 'echo out; echo err >&2; exit 5']);
  for (let round = 0; round < 3; round++)
    expect(await rig.nerdctl(['start', '-a', 'brief'])).toEqual({ code: 5, out: 'out\n', err: 'err\n' });
  await rig.make('echo', ['cat'], { interactive: true });
  expect(await rig.nerdctl(['start', '-ai', 'echo'], { stdin: 'to and fro' })).toEqual({
    code: 0,
    out: 'to and fro',
    err: '',
  });
  await rig.make('wrong', ['/nosuch']);
  expect(await rig.nerdctl(['start', '-a', 'wrong'])).toMatchObject({ code: 127 });
  expect(await rig.nerdctl(['start', 'wrong'])).toMatchObject({ code: 1 });
}, 300_000);

test('what goes with its process goes, and not when it is restarted', async () => {
  const { id } = await rig.make('guest', ['sleep', '1000'], { autoRemove: true, stopTimeout: 1 });
  await rig.nerdctl(['start', 'guest']);
  expect(await rig.nerdctl(['restart', 'guest'])).toMatchObject({ code: 0, out: 'guest\n' });
  expect(await status(id)).toBe('running');
  await rig.nerdctl(['stop', 'guest']);
  await eventually(
    () => isGone(id),
    (gone) => gone,
  );
  expect((await rig.nerdctl(['stop', 'guest'])).err).toBe('Error response from daemon: No such container: guest\n');
}, 300_000);

// shows: rm --volumes, rm -v, restart --signal, restart -s, exec --env-file
test('volumes without a name go with rm -v only; a restart may have a signal of its own', async () => {
  const root = join(rig.stateDir('x'), '../../../volumes', rig.scope.namespace);
  for (const [name, flags] of [
    ['kept', []],
    ['gone', ['-v']],
  ] as const) {
    mkdirSync(join(root, name, '_data'), { recursive: true });
    await rig.make(`with-${name}`, ['true'], { anonymousVolumes: [name] });
    expect(await rig.nerdctl(['rm', ...flags, `with-${name}`])).toMatchObject({ code: 0 });
    expect(existsSync(join(root, name))).toBe(name === 'kept');
  }
  const { id } = await rig.make(
    'signalled',
    ['sh', '-c', 'trap "exit 0" USR2; trap "" TERM; while :; do sleep 0.05; done'],
    { stopTimeout: 60 },
  );
  await rig.nerdctl(['start', 'signalled']);
  await eventually(
    async () => (await rig.client.tasks.pids(rig.scope, id)).length,
    (count) => count > 1,
  );
  expect(await rig.nerdctl(['restart', '--signal', 'USR2', 'signalled'])).toMatchObject({ code: 0 });
  const home = mkdtempSync('/tmp/berth-env-');
  try {
    writeFileSync(join(home, 'env'), '# names\nA=from file\nB=2\n');
    expect(
      (await rig.nerdctl(['exec', '--env-file', join(home, 'env'), '-e', 'B=3', 'signalled', 'sh', '-c', 'echo $A $B']))
        .out,
    ).toBe('from file 3\n');
    expect((await rig.nerdctl(['exec', '--env-file', '/nosuch', 'signalled', 'true'])).code).toBe(1);
  } finally {
    rmSync(home, { recursive: true });
  }
  await rig.nerdctl(['rm', '-f', 'signalled']);
}, 300_000);
