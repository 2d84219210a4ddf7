import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { tarLayer } from '#test/support/busybox-image';
import { ctrAt, type Step, walkSteps } from '#test/support/ctr-steps';
import { keepBlobs } from '#test/support/kept';
import { writeOciArchive } from '#test/support/oci-archive';
import type { ProgramInput } from '#test/support/run-program';
import { sampleImage } from '#test/support/sample-image';

const top = new URL('../../..', import.meta.url).pathname;
const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let work = '';
beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
  chmodSync(on.daemon.directory, 0o711); // for root of user namespaces
  work = join(on.daemon.directory, 'work');
  mkdirSync(work);
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

const ctr = (words: string, input?: ProgramInput) => ctrAt(on.daemon.address, on.scope.namespace)(words, input);
const walk = (steps: readonly Step[], input?: ProgramInput) => walkSteps(ctr, steps, input);
const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

test('what a daemon tells of itself and of its runtime', async () => {
  const info = await ctr('info');
  expect(JSON.parse(info.out)).toEqual({
    server: { uuid: expect.any(String), pid: on.daemon.pid, pidns: statSync(`/proc/${on.daemon.pid}/ns/pid`).ino },
  });
  const runtime = JSON.parse((await ctr('plugins inspect-runtime')).out);
  expect(runtime).toMatchObject({ Name: 'io.containerd.runc.v2', Features: { hooks: expect.any(Array) } });
  await walk([
    ['plugins inspect-runtime --runtime io.containerd.none.v1', 1, undefined, /containerd-shim-none-v1/],
    ['deprecations list', 0],
    ['deprecations list --format json', 0],
    ['deprecations list --format xml', 1, undefined, /wanted default or json/],
    ['oci spec', 0, /"ociVersion"[\s\S]*"cgroupsPath": "\/test-/],
    ['oci spec --platform windows/amd64', 0, /"cwd": "C:\\\\"/],
    ['oci spec --platform plan9/amd64', 1, undefined, /no default spec for plan9/],
  ]);
}, 120_000);

test('images are looked into, converted and tagged', async () => {
  await walk([
    [
      'images inspect busybox',
      0,
      /^busybox\n│ {4}Created: .*\n│ {4}Updated: .*\n└── \S+ @sha256:\w{64} \(\d+ bytes\)\n/,
    ],
    ['images inspect busybox --content', 0, /┌────────Content────────\n {4}│ {3}│\{\n/],
    ['i i nothing', 1, undefined, /not found/],
    ['images usage busybox', 0, new RegExp(`^KEY +SIZE +INODES *\n${on.top} [\\d.]+ MiB +\\d+ *\n$`)],
    ['images convert --uncompress busybox example.com/plain:v1', 0, /^sha256:\w{64}\n$/],
    ['images convert --uncompress busybox', 1, undefined, /src and target image need to be specified/],
    ['images convert nothing x', 1, undefined, /image "nothing": not found/],
    ['images inspect example.com/plain:v1', 0, /\.layer\.v1\.tar @sha256/],
    ['run --rm example.com/plain:v1 plain echo converted', 0, /^converted\n$/],
    ['images tag busybox Bad/Name', 1, undefined, /is not a valid repository\/tag/],
    ['images tag --skip-reference-check busybox Bad/Name', 0, /^Bad\/Name\n$/],
    ['images tag --local --force busybox example.com/plain:v1', 0, /plain:v1/],
    ['images prune', 0, undefined, /requires --all/],
    ['containers create busybox keeps true', 0],
    ['images prune --all', 0, undefined, /^deleted image: Bad\/Name\ndeleted image: example.com\/plain:v1\n$/],
    ['images ls -q', 0, /^busybox\n$/],
    ['containers rm keeps', 0],
  ]);
}, 120_000);

test('an archive is imported with labels, and its layers need not stay', async () => {
  // Pruning takes the layers of all images of a namespace.
  const namespace = `${on.scope.namespace}-two`;
  const ctr = ctrAt(on.daemon.address, namespace);
  const walk = (steps: readonly Step[]) => walkSteps(ctr, steps);
  const archive = join(work, 'two.tar');
  const layer = join(work, 'layer');
  mkdirSync(layer);
  writeFileSync(join(layer, 'hello'), 'hello\n');
  writeOciArchive(archive, 'example.com/two:v1', { 'linux/amd64': sampleImage([tarLayer(layer)]) });
  const layersOf = async (name: string) =>
    (await ctr(`images inspect ${name}`)).out.match(/layer\S* @(sha256:\w+)/)?.[1] ?? 'none';
  await walk([
    [`images import --discard-unpacked-layers --no-unpack ${archive}`, 1, undefined, /cannot be used together/],
    [`images import --discard-unpacked-layers --sync-fs --label a=b ${archive}`, 0, /two:v1 .*done/],
    ['images ls', 0, /two:v1 .* a=b *\n/],
  ]);
  const digest = await layersOf('example.com/two:v1');
  await walk([
    ['content prune references', 0], // collects
    [`content get ${digest}`, 1, undefined, /not found/],
    [`images import ${archive}`, 0, /two:v1 .*done/],
    [`content get ${digest}`, 0, /./s],
    ['content prune references --dry', 0, undefined, /label=containerd.io\/gc.ref.content.l.0/],
    [`content get ${digest}`, 0, /./s],
    ['content prune references', 0],
    [`content get ${digest}`, 1, undefined, /not found/],
    ['images rm --sync example.com/two:v1', 0, /two/],
    [`namespaces rm ${namespace}`, 0, /two/],
  ]);
}, 120_000);

test('a blob is edited, checked or not', async () => {
  const blob = sha256('hello');
  await using _ = await keepBlobs(on.client, on.scope, [blob]);
  expect((await ctr('content ingest edited', { stdin: 'hello' })).code).toBe(0);
  const editor = join(work, 'editor');
  writeFileSync(editor, '#!/bin/sh\nprintf "%s" "$TEXT" > "$1"\n', { mode: 0o755 });
  const env = { PATH: process.env.PATH ?? '', EDITOR: editor, TEXT: '{"a":1}' };
  const edited = (words: string, more = {}) => ctr(words, { env: { ...env, ...more } });
  expect(await edited(`content edit ${blob}`)).toEqual({ code: 0, out: `${sha256('{"a":1}')}\n`, err: '' });
  expect((await edited(`content edit --validate json ${blob}`)).code).toBe(0);
  expect((await edited(`content edit --validate manifest ${blob}`)).err).toContain('the result is no manifest');
  expect((await edited(`content edit --validate poem ${blob}`)).err).toContain('wanted one of json, manifest');
  expect((await edited(`content edit ${blob}`, { EDITOR: 'false' })).err).toContain('ended with 1');
  expect((await edited(`content edit ${blob}`, { EDITOR: '' })).err).toContain('editor is required');
  expect((await ctr(`content get ${blob}`)).out).toBe('hello');
  const root = join(work, 'store');
  mkdirSync(join(root, 'ingest/abc'), { recursive: true });
  writeFileSync(join(root, 'ingest/abc/ref'), 'layer-x');
  writeFileSync(join(root, 'ingest/abc/data'), '12345');
  await walk([
    [`content active --root ${root}`, 0, /^REF\s+SIZE\s+AGE\s*\nlayer-x\s+5B\s+.*\n$/],
    [`content active --root ${root} nothing`, 0, /^REF\s+SIZE\s+AGE\s*\n$/],
    ['content active --timeout 5s', 0, /^REF/],
    [`content active --root ${root}/nowhere`, 1, undefined, /no such file/],
  ]);
}, 120_000);

test('programs of an image are installed, and nothing else of it', async () => {
  const tree = join(work, 'tree');
  for (const name of ['bin', 'lib', 'etc']) mkdirSync(join(tree, name), { recursive: true });
  writeFileSync(join(tree, 'bin/tool'), '#!/bin/sh\n');
  chmodSync(join(tree, 'bin/tool'), 0o755);
  symlinkSync('tool', join(tree, 'bin/other'));
  writeFileSync(join(tree, 'lib/x.so'), 'so');
  writeFileSync(join(tree, 'etc/passwd'), 'no');
  const archive = join(work, 'tool.tar');
  writeOciArchive(archive, 'example.com/tool:v1', { 'linux/amd64': sampleImage([tarLayer(tree)]) });
  const place = join(work, 'place');
  await walk([
    [`images import --no-unpack ${archive}`, 0, /tool:v1/],
    [`install --path ${place} example.com/tool:v1`, 0],
    [`install --path ${place} example.com/tool:v1`, 1, undefined, /cannot replace bin\/.* already exists/],
    [`install --path ${place} -r -l example.com/tool:v1`, 0],
    ['install nothing', 1, undefined, /not found/],
    ['install', 1, undefined, /please provide an image reference/],
  ]);
  expect(readdirSync(place, { recursive: true }).toSorted()).toEqual([
    'bin',
    'bin/other',
    'bin/tool',
    'lib',
    'lib/x.so',
  ]);
  expect(statSync(join(place, 'bin/tool')).mode & 0o777).toBe(0o755);
}, 120_000);

test('a container is saved with what it has written, and made again of that', async () => {
  const ns = on.scope.namespace;
  const [a, b, c] = [`${ns}-a`, `${ns}-b`, `${ns}-c`];
  await walk([
    [`run -d busybox ${a} sleep 1000`, 0],
    [`tasks exec --exec-id w ${a} touch /tmp/written`, 0],
    [`containers checkpoint --rw --image ${a} example.com/saved:1`, 0],
    [`containers checkpoint --rw ${a} example.com/saved:1`, 1, undefined, /already exists/],
    ['tasks ls', 0, new RegExp(`${a} +\\d+ +RUNNING`)],
    [`containers restore --rw ${b} example.com/saved:1`, 0],
    [`tasks exec --exec-id r ${b} ls /tmp/written`, 0, /^\/tmp\/written\n$/],
    [`containers restore ${c} example.com/saved:1`, 0],
    [`tasks exec --exec-id r ${c} ls /tmp`, 0],
    [`containers restore --live ${c}d example.com/saved:1`, 1, undefined, /a task in checkpoint .*not found/],
    ['containers ls -q', 0, new RegExp(`^${a}\n${b}\n${c}\n$`)],
    [`tasks rm -f ${a} ${b} ${c}`, 0, undefined, /137/],
    [`containers rm ${a} ${b} ${c}`, 0],
    ['containers checkpoint nothing x', 1, undefined, /not found/],
    ['images rm example.com/saved:1', 0, /saved/],
  ]);
}, 120_000);

test('a shim is asked without its daemon', async () => {
  const id = `${on.scope.namespace}-shim`;
  const spec = join(work, 'process.json');
  writeFileSync(
    spec,
    JSON.stringify({ args: ['sh', '-c', 'echo $A; pwd; echo bad >&2; cat'], env: ['PATH=/bin'], cwd: '/' }),
  );
  const streams = `--stdin ${work}/in --stdout ${work}/out --stderr ${work}/err`;
  await walk([[`run -d busybox ${id} sleep 1000`, 0]]);
  const state = JSON.parse((await ctr(`shim --id ${id} state`)).out);
  expect(state).toMatchObject({ id, status: 2, pid: expect.any(Number), exited_at: '0001-01-01T00:00:00Z' });
  expect(
    (await ctr(`shim --id ${id} exec --spec ${spec} ${streams} -e A=b --cwd /tmp -a e1`, { stdin: 'typed\n' })).out,
  ).toMatch(/^(?=[\s\S]*exec running with pid \d+\n)[\s\S]*b\n\/tmp\n[\s\S]*typed\n$/);
  await walk([
    [`shim --id ${id} exec --spec ${spec} ${streams} e2`, 0, /^exec running with pid \d+\n$/],
    [`shim --id ${id} exec --spec ${spec} e1`, 1, undefined, /./],
    [`shim --id ${id} exec e3`, 1, undefined, /spec must be provided/],
    ['shim state', 1, undefined, /container id must be specified/],
    ['shim --id nobody state', 1, undefined, /fail to connect to container nobody's shim/],
    [`shim --id ${id} shutdown`, 0], // it has a container: it stays
    [`shim --id ${id} state --api-version 4`, 1, undefined, /wanted 2 or 3/],
    [`shim --id ${id} pprof heap`, 1, undefined, /the debug socket of shim/],
    [`tasks kill -s 9 ${id}`, 0],
  ]);
  for (let status = 2; status !== 3; ) ({ status } = JSON.parse((await ctr(`shim --id ${id} state`)).out));
  await walk([
    [`tasks rm ${id}`, 0, undefined, /137/],
    [`containers rm ${id}`, 0],
  ]);
}, 120_000);

test('run: names, users, processors, disks, devices, hooks for gpus', async () => {
  const id = `${on.scope.namespace}-r`;
  const blockIo = join(work, 'blockio.yaml');
  writeFileSync(blockIo, 'Classes:\n  slow:\n    - Weight: 100\n');
  const bin = join(work, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'nvidia-container-cli'), `#!/bin/sh\necho "$@" > ${work}/gpu\n`, { mode: 0o755 });
  const pidFile = join(work, 'pid');
  const run = `run --rm`;
  await walk(
    [
      [`${run} --hostname named busybox ${id} busybox hostname`, 0, /^named\n$/],
      [`${run} --user 5:6 busybox ${id} id`, 0, /^uid=5 gid=6/],
      [`${run} -u nobody busybox ${id} id`, 1, undefined, /nobody/],
      [`${run} --cpuset-cpus 0 busybox ${id} busybox grep Cpus_allowed_list /proc/self/status`, 0, /\t0\n$/],
      [`${run} --cpuset-cpus zero busybox ${id} true`, 1, undefined, /cpuset/],
      [
        `${run} --uidmap 0:100000:10 --uidmap 10:200000:90 --gidmap 0:100000:100 busybox ${id} cat /proc/self/uid_map`,
        0,
        /0 +100000 +10\n +10 +200000 +90\n/,
      ],
      [`${run} --uidmap 0:100000:10 busybox ${id} true`, 1, undefined, /must be specified together/],
      [`${run} --privileged-without-host-devices busybox ${id} true`, 1, undefined, /without 'privileged'/],
      [`${run} --privileged --privileged-without-host-devices busybox ${id} ls /dev`, 0, /^(?![\s\S]*loop)[\s\S]*null/],
      [`${run} --blockio-class slow busybox ${id} true`, 1, undefined, /no blockio-config-file defines it/],
      [
        `${run} --blockio-class none --blockio-config-file ${blockIo} busybox ${id} true`,
        1,
        undefined,
        /no class "none"/,
      ],
      [`${run} --blockio-class slow --blockio-config-file ${blockIo} busybox ${id} true`, 0],
      [`${run} --gpus 0 --gpus 2 busybox ${id} echo hooked`, 0, /^hooked\n$/],
      [`${run} --gpus all busybox ${id} true`, 1, undefined, /no device's number/],
      [`containers create --pid-file ${pidFile} --no-pivot --runc-root ${work}/runc busybox ${id} sleep 1000`, 0],
      [`tasks start -d --no-pivot ${id}`, 0],
      [`tasks rm -f ${id}`, 0, undefined, /137/],
      [`containers rm ${id}`, 0],
    ],
    { env: { PATH: `${bin}:${top}dist/bin:${process.env.PATH}` } },
  );
  expect(readFileSync(join(work, 'gpu'), 'utf8')).toMatch(
    /^--load-kmods configure --device=0,2 --compute .* --pid=\d+ \/.*\/rootfs\n$/,
  );
  expect(Number(readFileSync(pidFile, 'utf8'))).toBeGreaterThan(1);
  expect(existsSync(join(work, 'runc'))).toBe(true);
}, 120_000);

test('snapshots are made of a manifest', async () => {
  const digest = (await ctr('images inspect busybox')).out.match(/@(sha256:\w+)/)?.[1] ?? '';
  await walk([
    [
      `snapshots --snapshotter native unpack --sync-fs ${digest}`,
      0,
      new RegExp(`^unpacking ${digest} .*\\.\\.\\.done\n$`),
    ],
    [`snapshots --snapshotter native info ${on.top}`, 0, /Committed/],
    [`snapshots unpack sha256:${'0'.repeat(64)}`, 1, undefined, /manifest sha256:0+: not found/],
    ['snapshots unpack', 1, undefined, /invalid/],
  ]);
}, 120_000);

test('a socket that is not there is not waited for', async () => {
  const { code, err } = await ctrAt(join(work, 'nobody.sock'), 'x')('--connect-timeout 1h version');
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('there is no socket') });
});
