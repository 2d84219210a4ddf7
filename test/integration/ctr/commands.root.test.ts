import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, wholeProgram } from '#cmd/cli/command';
import { ctr as program } from '#cmd/ctr/program';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { type CtrInput, runCtr } from '#test/support/ctr';
import { type Step, walkSteps } from '#test/support/ctr-steps';
import { keepBlobs } from '#test/support/kept';
import { leftBehind } from '#test/support/nothing-left';

const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

const ctr = (words: string, input?: CtrInput) =>
  runCtr(['-a', on.daemon.address, '-n', on.scope.namespace, ...words.split(' ')], input);

const walk = (steps: readonly Step[]) => walkSteps(ctr, steps);

const hello = `sha256:${createHash('sha256').update('hello').digest('hex')}`;
const zeros = `sha256:${'0'.repeat(64)}`;

test('content', async () => {
  await using _ = await keepBlobs(on.client, on.scope, [hello]);
  expect(await ctr('content ingest greeting', { stdin: 'hello' })).toEqual({ code: 0, out: '', err: '' });
  expect((await ctr('content ingest --expected-size 4 greeting', { stdin: 'hullo' })).code).toBe(1);
  expect((await ctr(`content ingest --expected-digest ${zeros} greeting2`, { stdin: 'hello' })).code).toBe(1);
  await walk([
    [`content get ${hello}`, 0, /^hello$/],
    [`content get ${zeros}`, 1, undefined, /^ctr: .*not found\n$/],
    ['content get nonsense', 1, undefined, /^ctr: .*invalid argument\n$/],
    ['content get', 1, undefined, /digest must be specified/],
    ['content ls -q', 0, new RegExp(hello)],
    ['content ls', 0, /^DIGEST\tSIZE\tAGE\tLABELS\n|^DIGEST\s+SIZE\s+AGE\s+LABELS\n/],
    [`content label ${hello} a=1 b=2`, 0, /^a=1,b=2\n$/],
    [`content label ${hello} a=`, 0, /^b=2\n$/],
    [`content label ${zeros} a=1`, 1, undefined, /not found/],
    ['content active', 0, /^REF\s+SIZE\s+AGE\s*\n/],
    [`content rm ${hello}`, 0, new RegExp(`^${hello}\n$`)],
    [`content rm ${hello}`, 0, undefined, /not found/],
    ['content fetch', 1, undefined, /please provide an image reference to fetch/],
  ]);
  for (const { ref } of await on.client.content.statuses(on.scope)) await on.client.content.abort(on.scope, ref);
}, 120_000);

test('images', async () => {
  const archive = join(on.daemon.directory, 'out.tar');
  const mount = join(on.daemon.directory, 'mnt');
  mkdirSync(mount);
  await walk([
    [
      'images ls',
      0,
      /^REF\s+TYPE\s+DIGEST\s+SIZE\s+PLATFORMS\s+LABELS\s*\nbusybox\s+\S+ sha256:\w{64} .* linux\/amd64 -\s*\n$/,
    ],
    ['i ls -q name==nothing', 0],
    ['images check', 0, /busybox .* complete \(2\/2\)\s.* true\s*\n$/],
    ['images check -q', 0, /^busybox\n$/],
    ['images tag busybox example.com/two:v1', 0, /^example\.com\/two:v1\n$/],
    ['images tag busybox example.com/two:v1', 1, undefined, /already exists/],
    ['images tag --force busybox example.com/two:v1', 0, /two:v1/],
    ['images tag nothing x', 1, undefined, /image "nothing": not found/],
    ['images label busybox a=b', 0, /a=b/],
    ['images label nothing a=b', 1, undefined, /not found/],
    [`images export ${archive} busybox`, 0],
    [`images export ${archive}2 nothing`, 1, undefined, /not found/],
    ['images rm --sync example.com/two:v1', 0, /two:v1/],
    ['images rm example.com/two:v1', 0, /two:v1/, /image not found/],
    [`images mount busybox ${mount}`, 0, new RegExp(`^sha256:\\w{64}\n${mount}\n$`)],
    [`images mount nothing ${mount}`, 1, undefined, /not found/],
  ]);
  expect([existsSync(archive), existsSync(`${archive}2`), readdirSync(mount).includes('bin')]).toEqual([
    true,
    false,
    true,
  ]);
  await walk([
    [`images unmount --rm ${mount}`, 0, new RegExp(`^${mount}\n$`)],
    ['images rm --sync busybox', 0, /busybox/],
    ['images ls -q', 0],
    [`images import ${archive}`, 0, /unpacking busybox \(sha256:\w{64}\)\.\.\.done/],
    ['images import /no/such/file', 1, undefined, /no such file/i],
    ['images pull', 1, undefined, /please provide an image reference to pull/],
    ['images pull --plain-http 127.0.0.1:1/a/b:v1', 1, /./, /127\.0\.0\.1:1/],
    ['images push', 1, undefined, /please provide a remote image reference to push/],
    ['images push nothing:v1', 1, undefined, /invalid host/],
    ['images push 127.0.0.1:1/nothing:v1', 1, /./, /not found/],
  ]);
  expect(readdirSync(mount)).toEqual([]);
  // A pull that failed keeps a lease on what it has, for the next attempt.
  for (const { id } of await on.client.leases.list(on.scope)) await on.client.leases.delete(on.scope, id);
}, 120_000);

test('containers and run', async () => {
  const pidFile = join(on.daemon.directory, 'pid');
  await walk([
    ['run --rm busybox c1 echo hi', 0, /^hi\n$/],
    ['run --rm busybox c1 sh -c exit\\ 3', 127, undefined, /./],
    ['run --rm busybox c1 false', 1],
    ['run --rm busybox c1 /no/such/program', 1, undefined, /no such file or directory/],
    ['run --rm --env A=b busybox c1 busybox env', 0, /^A=b$/m],
    ['run --rm --cwd /tmp busybox c1 busybox pwd', 0, /^\/tmp\n$/],
    ['run --rm --read-only busybox c1 busybox touch /x', 1, undefined, /Read-only/],
    ['run --rm --null-io busybox c1 echo hi', 0],
    ['run --rm --memory-limit 33554432 --cpus 0.5 --seccomp --privileged busybox c1 true', 0],
    ['run --rm -d busybox c1', 1, undefined, /--detach and --rm cannot be specified together/],
    ['run --rm -t busybox c1', 1, undefined, /provided file is not a console/],
    ['run nothing c1', 1, undefined, /image "nothing": not found/],
    ['run busybox', 1, undefined, /container id must be provided/],
    ['run', 1, undefined, /image ref must be provided/],
    ['run --seccomp-profile /x busybox c1', 1, undefined, /seccomp must be set to true/],
    ['run --uidmap 0:1:2 busybox c1', 1, undefined, /uidmap and gidmap must be specified together/],
    ['c ls -q', 0],
    [`run -d --label a=b --pid-file ${pidFile} busybox c2 sleep 1000`, 0],
    ['run -d busybox c2 true', 1, undefined, /already exists/],
    ['c ls', 0, /^CONTAINER\s+IMAGE\s+RUNTIME\s*\nc2\s+busybox\s+io\.containerd\.runc\.v2\s*\n$/],
    ['c info c2', 0, /"ID": "c2",[\s\S]*"a": "b"[\s\S]*"Snapshotter": "overlayfs"/],
    ['c info --spec c2', 0, /"ociVersion"/],
    ['c info nothing', 1, undefined, /container "nothing".*not found/],
    ['c label c2 x=y', 0, /x=y/],
    ['c rm c2', 1, undefined, /cannot delete a non stopped container: running/],
    ['c rm', 1, undefined, /must specify at least one container/],
    ['t kill -s KILL c2', 0],
  ]);
  expect(Number(readFileSync(pidFile, 'utf8'))).toBeGreaterThan(1);
  await on.client.tasks.wait(on.scope, 'c2', '');
  await walk([
    ['c rm c2', 0],
    ['c create busybox c3 true', 0],
    ['c create busybox c3 true', 1, undefined, /already exists/],
    ['c rm c3', 0],
  ]);
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
}, 120_000);

test('tasks', async () => {
  await walk([
    ['c create busybox c1 sleep 1000', 0],
    ['t start -d c1', 0],
    ['t start -d c1', 1, undefined, /already exists/],
    ['t ls', 0, /^TASK\s+PID\s+STATUS\s*\nc1\s+\d+\s+RUNNING\s*\n$/],
    ['t ls -q', 0, /^c1\n$/],
    ['t exec --exec-id e c1 echo hi', 0, /^hi\n$/],
    ['t exec --exec-id e c1 sh -c false', 1],
    ['t exec --exec-id e --cwd /tmp c1 busybox pwd', 0, /^\/tmp\n$/],
    ['t exec --exec-id e --user 12:34 c1 busybox id', 0, /uid=12 gid=34/],
    ['t exec --exec-id e --user nobody c1 busybox id', 1, undefined, /nobody/],
    ['t exec c1 true', 1, undefined, /exec id/],
    ['t exec --exec-id e nothing true', 1, undefined, /not found/],
    ['t ps c1', 0, /^PID\s+INFO\n\d+\s+-\n$/],
    ['t metrics c1', 0, /memory/],
    ['t metrics nothing', 1, undefined, /not found/],
    ['t pause c1', 0],
    ['t ls', 0, /PAUSED/],
    ['t resume c1', 0],
    ['t rm c1', 1, undefined, /task must be stopped before deletion: running/],
    ['t kill -s NONSENSE c1', 1, undefined, /unknown signal/],
    ['t kill nothing', 1, undefined, /not found/],
    ['t rm -f c1', 0, undefined, /task c1 exit with non-zero exit code 137/],
    ['t rm c1', 1, undefined, /not found/],
    ['t attach c1', 1, undefined, /not found/],
    ['c rm c1', 0],
  ]);
  expect(await ctr('run --rm busybox c2 cat', { stdin: 'through and through' })).toEqual({
    code: 0,
    out: 'through and through',
    err: '',
  });
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
}, 120_000);

test('snapshots, leases, namespaces, plugins, version', async () => {
  await walk([
    [`snapshots prepare one ${on.top}`, 0],
    ['snapshots prepare one', 1, undefined, /already exists/],
    ['snapshots prepare two nothing', 1, undefined, /not found/],
    ['snapshots mounts /mnt one', 0, /^mount -t \w+ \S+ \/mnt -o \S+\n$/],
    ['snapshots view -t /mnt three', 0, /^mount -t/],
    ['snapshots ls', 0, /^KEY\s+PARENT\s+KIND\s*\n[\s\S]*one\s+sha256:\w+\s+Active/],
    ['snapshots tree', 0, /\\_ one/],
    ['snapshots info one', 0, /"Kind": "Active"/],
    ['snapshots info nothing', 1, undefined, /not found/],
    ['snapshots usage one', 0, /^KEY\s+SIZE\s+INODES/],
    ['snapshots label one a=b', 0, /a=b/],
    ['snapshots commit done one', 0],
    ['snapshots commit done one', 1, undefined, /not found|already exists/],
    ['snapshots diff done', 0, /./],
    ['snapshots rm three done', 0],
    ['snapshots rm nothing', 1, undefined, /failed to remove "nothing": .*not found/],
    ['snapshots --snapshotter nothing ls', 1, undefined, /snapshotter not loaded: nothing/],
    ['leases create --id l1 a=b', 0, /^l1\n$/],
    ['leases create --id l1', 1, undefined, /already exists/],
    ['leases ls', 0, /^ID\s+CREATED AT\s+LABELS[\s\S]*l1 /],
    ['leases rm l1', 0, /l1/],
    ['leases rm l1', 0, undefined, /lease l1: not found/],
    ['ns create other-ns k=v', 0],
    ['ns create other-ns', 1, undefined, /already exists/],
    ['ns ls', 0, /^NAME\s+LABELS\s*\n[\s\S]*other-ns\s+k=v/],
    ['ns label other-ns k=', 0],
    ['ns rm other-ns', 0, /other-ns/],
    ['ns rm nothing-there', 0],
    [`ns rm ${on.scope.namespace}`, 1, undefined, /must be empty.*failed precondition/],
    ['plugins ls -q', 0, /io\.containerd\.snapshotter\.v1\.overlayfs|overlayfs/],
    ['plugins ls -d id==overlayfs', 0, /Status|ok|Exports/i],
    ['version', 0, /^Client:\n[\s\S]*Server:\n[\s\S]*UUID: /],
  ]);
}, 120_000);

test('a command that is cut short says so, and events end with the user', async () => {
  const stop = new AbortController();
  let heard = '';
  const events = ctr('events', { signal: stop.signal, onOut: (text) => (heard += text) });
  // From when it listens is not told.
  while (!heard.includes('/namespaces/create')) {
    await ctr('ns create told-ns');
    await ctr('ns rm told-ns');
    await Bun.sleep(20);
  }
  stop.abort(new Error('interrupted'));
  expect((await events).out).toMatch(/\/namespaces\/create \{"name":"told-ns"\}\n/);
  expect(await ctr('--timeout 1ns images ls')).toMatchObject({ code: 1, err: expect.stringMatching(/^ctr: .*\n$/) });
});

test('a daemon that is not there is told in one line, at once, by every command', async () => {
  for (const words of [
    'images ls',
    'run a b',
    't ls',
    'c ls',
    'content ls',
    'snapshots ls',
    'ns ls',
    'plugins ls',
    'events',
  ]) {
    // In time: it would wait for an hour otherwise.
    const { code, err } = await runCtr(['-a', '/no/such.sock', '--connect-timeout', '1h', ...words.split(' ')]);
    expect([words, code, err]).toEqual([words, 1, expect.stringMatching(/^ctr: [^\n]*\/no\/such\.sock[^\n]*\n$/)]);
  }
  expect((await runCtr(['-a', '/no/such.sock', '--connect-timeout', '200ms', 'images', 'ls'])).code).toBe(1);
});

function* everyCommand(commands: readonly Command[], path: readonly string[] = []): Generator<readonly string[]> {
  for (const command of commands) {
    yield [...path, command.name];
    yield* everyCommand(command.commands, [...path, command.name]);
  }
}

test('every command has help, refuses a flag that it does not have, and says which', async () => {
  const paths = [...everyCommand((await wholeProgram(program)).commands)];
  expect(paths.length).toBeGreaterThan(60);
  for (const path of paths) {
    const help = await runCtr([...path, '-h']);
    expect([path, help.code, help.err, help.out]).toEqual([
      path,
      0,
      '',
      expect.stringMatching(new RegExp(`^NAME:\n   ctr ${path.join(' ')} - `)),
    ]);
    const wrong = await runCtr([...path, '--no-such-flag']);
    expect([path, wrong.code, wrong.err]).toEqual([path, 1, 'ctr: flag provided but not defined: -no-such-flag\n']);
  }
});
