import { afterAll, beforeAll, expect, test } from 'bun:test';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { SandboxExitSchema } from '#api/events/sandbox_pb';
import { TaskExitSchema } from '#api/events/task_pb';
import { messageOf } from '#base/errors';
import { openClient } from '#client/client';
import { createSandbox, deleteSandbox, startSandbox } from '#client/sandbox';
import { createTask, deleteTaskIfThere } from '#client/task';
import { nullIo } from '#client/task-io';
import { faultOf } from '#core/subject';
import type { Spec } from '#lib/oci/spec/spec';
import { createGrpcServer } from '#rpc/grpc-server';
import { listen } from '#rpc/listen';
import { serveSandboxControllers } from '#rpc/sandboxes/controller-server';
import { type BusyboxDaemon, shimOf, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { execIn, makeContainer, removeContainer, runContainer } from '#test/support/containers';
import { type Finished, run, startDaemon } from '#test/support/daemon';
import { emptySpec, SandboxRig } from '#test/support/sandbox-rig';

const ourCtr = new URL('../../../dist/bin/ctr', import.meta.url).pathname;
const runtime = { name: 'io.containerd.runc.v2' };
const sleep = ['/bin/sleep', '1000'];
let made: BusyboxDaemon;

beforeAll(async () => {
  made = await startBusyboxDaemon();
}, 120_000);
afterAll(() => made[Symbol.asyncDispose]());

/** Every end of a process or sandbox in the test's namespace, for as long as the daemon is there. */
function watchEnds(client = made.client): AsyncDisposable & { readonly seen: string[] } {
  const stop = new AbortController();
  const seen: string[] = [];
  const filters = ['/tasks/exit', '/sandboxes/exit'].map(
    (topic) => `topic=="${topic}",namespace==${made.scope.namespace}`,
  );
  const reading = (async () => {
    for await (const { topic, event } of client.events.subscribe(stop.signal, filters)) {
      if (topic === '/sandboxes/exit') seen.push(`sandbox ${fromBinary(SandboxExitSchema, event.value).sandboxId}`);
      else seen.push(fromBinary(TaskExitSchema, event.value).id);
    }
  })();
  reading.catch(() => {}); // the daemon goes away in some tests
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await reading.catch(() => {});
    },
  };
}

/** A sandbox that runs, and as many containers in it. */
async function sandboxWith(id: string, containers: readonly string[]): Promise<readonly number[]> {
  const { client, scope, top } = made;
  await startSandbox(client, scope, await createSandbox(client, scope, { id, runtime, spec: emptySpec }));
  const pids: number[] = [];
  for (const container of containers) {
    pids.push(await runContainer(client, scope, container, { top, args: sleep, sandboxId: id }));
  }
  return pids;
}

async function removeSandbox(id: string): Promise<void> {
  await deleteSandbox(made.client, made.scope, await made.client.sandboxes.get(made.scope, id));
}

/** What a plugin has of the test's namespace. */
function bundlesIn(state: string, plugin: string): string[] {
  const path = join(state, plugin, made.scope.namespace);
  return existsSync(path) ? readdirSync(path) : [];
}

const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const ctr = (...args: readonly string[]): Promise<Finished> =>
  run(ourCtr, ['-a', made.daemon.address, '-n', made.scope.namespace, ...args]);

async function eventually(what: string, test: () => boolean): Promise<void> {
  for (let waited = 0; !test(); waited += 20) {
    if (waited > 60_000) throw new Error(`never: ${what}`);
    await Bun.sleep(20);
  }
}

test('containers of a sandbox run in its shim, come and go, and end with it', async () => {
  const { client, scope, daemon, top } = made;
  await using ends = watchEnds();
  const pids = await sandboxWith('pod', ['pod-a', 'pod-b']);
  const shim = shimOf(daemon, 'pod');
  const plugin = 'io.containerd.sandbox.controller.v1.shim';
  const secret = [
    join(daemon.state, plugin),
    join(daemon.root, plugin),
    join(daemon.state, plugin, scope.namespace, 'pod'),
  ];
  expect(secret.map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700, 0o700]);
  expect(pids.map(parentOf)).toEqual([shim, shim]);
  expect((await client.tasks.list(scope)).map(({ id }) => id).sort()).toEqual(['pod-a', 'pod-b']);
  await execIn(client, scope, 'pod-a', 'e', ['/bin/true']);
  expect((await client.tasks.wait(scope, 'pod-a', 'e')).exitStatus).toBe(0);
  await client.tasks.kill(scope, 'pod-a', { execId: '', signal: 9, all: true });
  expect((await client.tasks.wait(scope, 'pod-a', '')).exitStatus).toBe(137);
  await client.tasks.delete(scope, 'pod-a');
  await removeContainer(client, scope, 'pod-a');
  expect(parentOf(pids[1] ?? 0)).toBe(shim);
  // The last may go, too: the sandbox stays.
  await client.tasks.kill(scope, 'pod-b', { execId: '', signal: 9, all: true });
  await client.tasks.wait(scope, 'pod-b', '');
  await client.tasks.delete(scope, 'pod-b');
  await removeContainer(client, scope, 'pod-b');
  const [pid = 0] = [await runContainer(client, scope, 'pod-c', { top, args: sleep, sandboxId: 'pod' })];
  expect(parentOf(pid)).toBe(shim);
  await removeSandbox('pod');
  expect(existsSync(`/proc/${shim}/exe`)).toBe(false);
  expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
  await eventually(
    'the task is gone',
    () => !existsSync(join(daemon.state, 'io.containerd.runtime.v2.task', scope.namespace, 'pod-c')),
  );
  expect(await faultOf(client.tasks.state(scope, 'pod-c', ''))).toBe('not_found');
  await removeContainer(client, scope, 'pod-c');
  // Ends of an exec and of three containers, and of the sandbox.
  expect(ends.seen.sort()).toEqual(['e', 'pod-a', 'pod-b', 'pod-c', 'sandbox pod']);
  expect(await faultOf(client.sandboxes.get(scope, 'pod'))).toBe('not_found');
}, 120_000);

test('a container whose sandbox is not there does not start, and leaves nothing', async () => {
  const { client, scope, top, daemon } = made;
  const container = await makeContainer(client, scope, 'orphan', { top, args: sleep, sandboxId: 'nowhere' });
  expect(await faultOf(createTask(client, scope, container, nullIo().stdio))).toBe('not_found');
  expect(await faultOf(client.tasks.state(scope, 'orphan', ''))).toBe('not_found');
  expect(bundlesIn(daemon.state, 'io.containerd.runtime.v2.task')).toEqual([]);
  await removeContainer(client, scope, 'orphan');
});

test('a sandbox cannot be called like a task, and the task does not notice', async () => {
  const { client, scope, top } = made;
  const pid = await runContainer(client, scope, 'taken', { top, args: sleep });
  const wanted = { id: 'taken', runtime, spec: emptySpec };
  expect(await faultOf(createSandbox(client, scope, wanted))).toBe('already_exists');
  expect(existsSync(`/proc/${pid}/exe`)).toBe(true);
  expect((await client.tasks.state(scope, 'taken', '')).status).toBe('running');
  expect(await client.sandboxes.list(scope)).toEqual([]);
  await deleteTaskIfThere(client, scope, 'taken', 'kill');
  await removeContainer(client, scope, 'taken');
}, 120_000);

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`${signal} for the daemon: sandboxes and their containers live on; what ended meanwhile is told once`, async () => {
    const { client, scope, daemon } = made;
    const names = { pod: `live-${signal}`, dead: `dead-${signal}` };
    const [alive = 0, mortal = 0] = await sandboxWith(names.pod, [`a-${signal}`, `b-${signal}`]);
    const [doomed = 0] = await sandboxWith(names.dead, [`c-${signal}`]);
    const shims = [shimOf(daemon, names.pod), shimOf(daemon, names.dead)];
    const before = await client.sandboxController('shim').status(scope, names.pod, 'brief');
    await daemon.kill(signal);
    process.kill(mortal, 'SIGKILL');
    process.kill(shims[1] ?? 0, 'SIGKILL');
    await daemon.start();
    await using ends = watchEnds();
    expect(await client.sandboxController('shim').status(scope, names.pod, 'brief')).toEqual(before);
    expect(parentOf(alive)).toBe(shims[0] ?? 0);
    expect((await client.tasks.wait(scope, `b-${signal}`, '')).exitStatus).toBe(137);
    await eventually('the dead one is buried', () => !existsSync(`/proc/${doomed}/exe`));
    expect(await faultOf(client.tasks.state(scope, `c-${signal}`, ''))).toBe('not_found');
    expect((await client.sandboxController('shim').status(scope, names.dead, 'brief')).state).toBe('');
    await client.tasks.delete(scope, `b-${signal}`);
    await client.tasks.kill(scope, `a-${signal}`, { execId: '', signal: 9, all: true });
    await deleteTaskIfThere(client, scope, `a-${signal}`, 'kill');
    for (const id of [names.pod, names.dead]) await removeSandbox(id);
    for (const id of ['a', 'b', 'c']) await removeContainer(client, scope, `${id}-${signal}`);
    const containers = ['a', 'b', 'c'].map((name) => `${name}-${signal}`);
    const told = ends.seen.filter((line) => line.endsWith(signal)).sort();
    expect(told).toEqual([...containers, `sandbox ${names.dead}`, `sandbox ${names.pod}`]);
    expect(bundlesIn(daemon.state, 'io.containerd.sandbox.controller.v1.shim')).toEqual([]);
  }, 120_000);
}

test('a shim that is killed takes sandbox and containers with it, each told once', async () => {
  const { client, scope, daemon } = made;
  await using ends = watchEnds();
  const [pid = 0] = await sandboxWith('struck', ['struck-a']);
  const wait = client.sandboxController('shim').wait(scope, 'struck');
  // By now the wait has arrived.
  await client.sandboxController('shim').status(scope, 'struck', 'brief');
  process.kill(shimOf(daemon, 'struck'), 'SIGKILL');
  expect((await wait).exitStatus).toBe(137);
  const told = () => ends.seen.filter((line) => line.includes('struck')).sort();
  await eventually('the container is gone', () => !existsSync(`/proc/${pid}/exe`) && told().length >= 2);
  await removeSandbox('struck');
  await removeContainer(client, scope, 'struck-a');
  expect(told()).toEqual(['sandbox struck', 'struck-a']);
}, 120_000);

test('ctr runs, lists and removes sandboxes', async () => {
  const { client, scope, daemon } = made;
  const config = join(daemon.directory, 'pod.json');
  writeFileSync(config, '{"hostname":"pod","annotations":{"a":"b"}}');
  expect(await ctr('sandboxes', 'run', config, 'by-ctr')).toEqual({ code: 0, stdout: 'by-ctr\n', stderr: '' });
  const { spec, sandboxer } = await client.sandboxes.get(scope, 'by-ctr');
  expect(JSON.parse(Buffer.from(spec?.value ?? []).toString())).toEqual({
    ...{ ociVersion: '', hostname: 'pod', annotations: { a: 'b' } },
  });
  expect(sandboxer).toBe('shim');
  const listed = (await ctr('sandbox', 'ls')).stdout.split('\n');
  expect(listed[0]).toMatch(/^ID +CREATED +RUNTIME +$/);
  expect(listed[1]).toMatch(/^by-ctr \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC io\.containerd\.runc\.v2 $/);
  expect(
    (await ctr('s', 'list', '--filters', 'id==other', '--filters', 'id==another')).stdout.trim().split('\n'),
  ).toHaveLength(1);
  const again = await ctr('sb', 'c', config, 'by-ctr');
  expect([again.code, again.stderr]).toEqual([
    1,
    'ctr: failed to create new sandbox: sandbox "by-ctr": already exists\n',
  ]);
  const removed = await ctr('sandboxes', 'rm', 'by-ctr', 'nobody');
  expect(removed.code).toBe(0);
  expect(removed.stderr).toMatch(
    /level=info msg="deleted: by-ctr"\n.*level=error msg="failed to load sandbox nobody" error=/,
  );
  expect(await client.sandboxes.list(scope)).toEqual([]);
}, 120_000);

test('what ctr cannot run leaves neither record nor shim', async () => {
  const { client, scope, daemon } = made;
  const config = join(daemon.directory, 'bad.json');
  const attempts: [content: string, id: string, flags: readonly string[], said: RegExp][] = [
    ['{', 'x', [], /^ctr: failed to parse sandbox config: /],
    ['[]', 'x', [], /^ctr: failed to parse sandbox config: wanted an object/],
    ['{}', 'a/b', [], /^ctr: failed to create new sandbox: failed to validate sandbox: invalid sandbox ID/],
    ['{}', 'x', ['--runtime', 'io.containerd.none.v1'], /^ctr: failed to create new sandbox: .*binary not installed/],
  ];
  for (const [content, id, flags, said] of attempts) {
    writeFileSync(config, content);
    const { code, stderr } = await ctr('sandboxes', 'run', ...flags, config, id);
    expect(stderr).toMatch(said);
    expect(code).toBe(1);
  }
  expect((await ctr('sandboxes', 'run', '/no/such/file', 'x')).stderr).toMatch(/^ctr: failed to read sandbox config: /);
  expect((await ctr('sandboxes', 'run', 'one-word')).stdout).toContain('ctr sandboxes run');
  expect(await client.sandboxes.list(scope)).toEqual([]);
});

test('the label of a namespace says who runs its sandboxes', async () => {
  const { client, scope } = made;
  await client.namespaces.update({ name: scope.namespace, labels: { 'containerd.io/defaults/sandboxer': 'far' } }, [
    'labels.containerd.io/defaults/sandboxer',
  ]);
  const wanted = { id: 'far-away', runtime, spec: emptySpec };
  const thrown: unknown = await createSandbox(client, scope, wanted).catch((reason: unknown) => reason);
  expect(messageOf(thrown)).toBe('failed to get sandbox controller by far: not found');
  expect(await client.sandboxes.list(scope)).toEqual([]);
  await client.namespaces.update({ name: scope.namespace, labels: {} }, ['labels.containerd.io/defaults/sandboxer']);
});

test('a sandboxer in another process: its sandboxes are told of, and containers run where it says', async () => {
  const { scope } = made;
  await using far = await SandboxRig.open();
  await using server = createGrpcServer();
  server.mount(serveSandboxControllers(new Map([['far', far.store]])));
  const address = await listen(server, join(far.directory, 'far.sock'));
  const config = `[proxy_plugins.far]\ntype = 'sandbox'\naddress = '${address}'`;
  await using near = await startDaemon({ built: true, config });
  await using client = openClient(near.address);
  await using ends = watchEnds(client);
  const sandbox = await createSandbox(client, scope, { id: 'remote', runtime, sandboxer: 'far', spec: emptySpec });
  const { endpoint } = await startSandbox(client, scope, sandbox);
  expect(endpoint?.address).toMatch(/^ttrpc\+unix:\/\//);
  const root = { path: join(far.directory, 'root'), readonly: true };
  for (const name of ['bin', 'proc', 'sys', 'dev', 'run']) mkdirSync(join(root.path, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root.path, 'bin/sleep'));
  const options = { top: '', args: sleep, sandboxId: 'remote', spec: (spec: Spec) => ({ ...spec, root }) };
  const container = await makeContainer(client, scope, 'in-remote', options);
  const { pid } = await createTask(client, scope, container, nullIo().stdio);
  expect(parentOf(pid)).toBe(far.shimPid(scope.namespace, 'remote'));
  await client.tasks.delete(scope, 'in-remote');
  await client.containers.delete(scope, 'in-remote');
  const wait = client.sandboxController('far').wait(scope, 'remote');
  await client.sandboxController('far').stop(scope, 'remote');
  await wait;
  await deleteSandbox(client, scope, sandbox);
  expect(far.told).toEqual(['create remote', 'start remote', 'exit remote 0']);
  expect(ends.seen).toContain('sandbox remote');
  expect(ends.seen.filter((line) => line === 'sandbox remote')).toHaveLength(1);
}, 120_000);
