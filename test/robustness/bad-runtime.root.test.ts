import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { classOf, type ErrorClass, messageOf } from '#base/errors';
import { createTask } from '#client/task';
import { nullIo } from '#client/task-io';
import type { Container } from '#core/containers/containers';
import type { Spec } from '#lib/oci/spec/spec';
import { type BusyboxDaemon, startBusyboxDaemon, watchExits } from '#test/support/busybox-daemon';
import { execIn, makeContainer, removeContainer, runContainer } from '#test/support/containers';
import { leftBehind, processesNaming, taskDescriptors } from '#test/support/nothing-left';

const bounds = `[timeouts]
"io.containerd.timeout.shim.start" = "1s"
"io.containerd.timeout.shim.cleanup" = "500ms"
"io.containerd.timeout.shim.shutdown" = "500ms"
"io.containerd.timeout.task.kill" = "500ms"
"io.containerd.timeout.task.state" = "500ms"
`;
setDefaultTimeout(120_000);
const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let number = 0;
let id = '';

beforeAll(async () => {
  on = open.use(await startBusyboxDaemon({ parent: '/dev/shm', config: bounds }));
}, 120_000);
beforeEach(() => {
  id = `c${number++}`;
});
afterAll(() => open.disposeAsync(), 120_000);

const sleeping = ['/bin/sleep', '1000'];

/** A program that stands in for a shim. */
function program(script: string): string {
  const path = join(on.daemon.directory, `containerd-shim-${id}-v1`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

async function outcome(work: Promise<unknown>): Promise<{ readonly cls: ErrorClass | 'none'; readonly text: string }> {
  return work.then(
    () => ({ cls: 'none', text: '' }),
    (thrown: unknown) => ({ cls: classOf(thrown), text: messageOf(thrown) }),
  );
}

async function expectNothingLeft(): Promise<void> {
  await removeContainer(on.client, on.scope, id);
  expect(await leftBehind(on.daemon, on.client, on.scope)).toEqual([]);
  expect(taskDescriptors(on.daemon)).toEqual([]);
}

/** Creating the task of such a container fails so, soon, and leaves nothing. */
async function refused(make: () => Promise<Container>, wanted: RegExp, options?: Any): Promise<void> {
  await using exits = watchExits(on.client);
  const container = await make();
  const begin = performance.now();
  const extra = options === undefined ? {} : { options };
  const { cls, text } = await outcome(createTask(on.client, on.scope, container, nullIo().stdio, extra));
  expect(`${cls}: ${text}`).toMatch(wanted);
  expect(performance.now() - begin).toBeLessThan(60_000);
  expect((await outcome(on.client.tasks.state(on.scope, id, ''))).cls).toBe('not_found');
  await expectNothingLeft();
  expect(exits.seen).toEqual([]);
}

const withRuntime = (runtime: string) => () =>
  makeContainer(on.client, on.scope, id, { top: on.top, args: sleeping, runtime });
const withSpec = (spec: (spec: Spec) => Spec) => () =>
  makeContainer(on.client, on.scope, id, { top: on.top, args: sleeping, spec });

test('a shim that does not exist', () =>
  refused(withRuntime('io.containerd.none.v1'), /^(not_found|invalid_argument): .*containerd-shim-none-v1/));
test('a shim path that does not exist', () =>
  refused(withRuntime('/nowhere/shim'), /^(not_found|invalid_argument): .*\/nowhere\/shim/));
test('a runtime name that is none', () => refused(withRuntime('../../bin/sh'), /^invalid_argument: /));
test('a shim that fails at once says why', () =>
  refused(() => withRuntime(program('echo "no more pids" >&2; exit 3'))(), /no more pids/));
test('a shim that prints garbage', () =>
  refused(() => withRuntime(program('head -c 300000 /dev/urandom'))(), /^invalid_argument: .*printed no address/));
test('a shim that prints without end', () =>
  refused(
    () => withRuntime(program('[ "$1" = delete ] && exit 0; case "$*" in *start*) exec cat /dev/zero;; esac'))(),
    /^deadline_exceeded: .*start/,
  ));
test('a shim that says nothing', () => refused(() => withRuntime(program('exit 0'))(), /printed no address/));
test('a shim that names an address where nobody is', () =>
  refused(() => withRuntime(program('echo unix:///nowhere/socket'))(), /^unavailable: .*nowhere/));
test(
  'a shim that hangs in its start',
  () => refused(() => withRuntime(program('exec sleep 1000'))(), /^deadline_exceeded: .*containerd-shim-/),
  20_000,
);
test(
  'a shim that listens and never answers',
  () => refused(() => withRuntime(program(silentShim()))(), /^deadline_exceeded: /),
  20_000,
);

test('a runc that does not exist', () =>
  refused(
    withSpec((spec) => spec),
    /no-such-runc/,
    runcOptions({ binaryName: '/nowhere/no-such-runc' }),
  ));
test('a runc that prints garbage and fails', () => {
  const path = program('head -c 100000 /dev/urandom; exit 1');
  return refused(
    withSpec((spec) => spec),
    /exit status 1/,
    runcOptions({ binaryName: path }),
  );
});

test('a runc that hangs', () => {
  const path = program('exec sleep 1000');
  return refused(
    withSpec((spec) => spec),
    /^deadline_exceeded: /,
    runcOptions({ binaryName: path }),
  );
});

test('a spec without a process', () =>
  refused(
    withSpec(({ process: _, ...spec }) => spec),
    /process property must not be empty/,
  ));
test('a spec with a program that is not there', () =>
  refused(
    withSpec((spec) => ({ ...spec, process: { ...spec.process!, args: ['/no/such/program'] } })),
    /no\/such\/program/,
  ));
test('a spec with a mount that cannot be', () =>
  refused(
    withSpec((spec) => ({
      ...spec,
      mounts: [...(spec.mounts ?? []), { destination: '/x', type: 'nonsense', source: 'x' }],
    })),
    /nonsense|no such device/,
  ));
test('a spec with an unknown namespace', () =>
  refused(
    withSpec((spec) => ({ ...spec, linux: { ...spec.linux, namespaces: [{ type: 'nonsense' as 'pid' }] } })),
    /nonsense/,
  ));
test('a spec that is no JSON', () => refused(rawSpec('{"ociVersion"'), /config.json is not JSON/));
test('a spec that is an empty object', () => refused(rawSpec('{}'), /process property must not be empty/));
test('a spec a megabyte deep', () =>
  refused(rawSpec(`{"ociVersion":"1.0.2","annotations":${'['.repeat(1 << 20)}`), /config.json is not JSON/));

test('an exec of what is not there, or with a spec that is none, leaves the container as it was', async () => {
  await runContainer(on.client, on.scope, id, { top: on.top, args: sleeping });
  expect((await outcome(execIn(on.client, on.scope, id, 'e1', ['/no/such/program']))).text).toContain(
    'no/such/program',
  );
  const bad = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process', value: Buffer.from('{"args":7') };
  const stdio = { stdin: '', stdout: '', stderr: '', terminal: false };
  for (const execId of ['e2', '../x', 'a/b', 'x'.repeat(200)]) {
    const made = await outcome(on.client.tasks.exec(on.scope, id, { execId, ...stdio, spec: bad }));
    const started = made.cls === 'none' ? await outcome(on.client.tasks.start(on.scope, id, execId)) : made;
    expect(started.cls).not.toBe('none');
    await outcome(on.client.tasks.deleteProcess(on.scope, id, execId));
  }
  await outcome(on.client.tasks.deleteProcess(on.scope, id, 'e1'));
  expect((await on.client.tasks.state(on.scope, id, '')).status).toBe('running');
  expect((await on.client.tasks.pids(on.scope, id)).length).toBe(1);
  await on.client.tasks.kill(on.scope, id, { execId: '', signal: 9, all: false });
  await on.client.tasks.wait(on.scope, id, '');
  await on.client.tasks.delete(on.scope, id);
  await expectNothingLeft();
}, 120_000);

test('a task whose maker is killed in the middle leaves nothing once the daemon is back', async () => {
  for (const afterMs of [5, 15, 30, 50, 80, 120]) {
    const container = await makeContainer(on.client, on.scope, id, { top: on.top, args: sleeping });
    const creating = outcome(createTask(on.client, on.scope, container, nullIo().stdio));
    await Bun.sleep(afterMs);
    await on.daemon.kill('SIGKILL');
    await creating;
    await on.daemon.start();
    const { cls } = await outcome(on.client.tasks.state(on.scope, id, ''));
    expect(['none', 'not_found']).toContain(cls);
    // It was made after all: then it is a task like any other.
    if (cls === 'none') await on.client.tasks.kill(on.scope, id, { execId: '', signal: 9, all: false });
    if (cls === 'none') await on.client.tasks.wait(on.scope, id, '');
    if (cls === 'none') await on.client.tasks.delete(on.scope, id);
    await expectNothingLeft();
  }
  expect(processesNaming(on.daemon.directory, on.daemon.pid)).toEqual([]);
}, 120_000);

const runcOptions = (fields: { readonly binaryName: string }): Any => ({
  typeUrl: OptionsSchema.typeName,
  value: toBinary(OptionsSchema, create(OptionsSchema, fields)),
});

const rawSpec = (text: string) => async () => {
  const { typeUrl } = (await makeContainer(on.client, on.scope, `${id}-x`, { top: '', args: [] })).spec;
  await on.client.containers.delete(on.scope, `${id}-x`);
  return on.client.containers.create(on.scope, {
    id,
    labels: {},
    image: '',
    runtime: { name: 'io.containerd.runc.v2' },
    spec: { typeUrl, value: Buffer.from(text) },
    snapshotter: '',
    snapshotKey: '',
    extensions: {},
    sandboxId: '',
  });
};

/** Listens where it says, takes connections and reads nothing; ends with `delete`. */
function silentShim(): string {
  const socket = join(on.daemon.directory, 'silent.sock');
  const listen = `import socket,time\ns=socket.socket(socket.AF_UNIX)\ns.bind("${socket}")\ns.listen(9)\ntime.sleep(1000)`;
  return `case "$*" in
*delete*) kill $(cat ${socket}.pid); rm -f ${socket}; exit 0;;
"-v") exit 0;;
esac
python3 -c '${listen}' >/dev/null 2>&1 </dev/null &
echo $! > ${socket}.pid
while [ ! -e ${socket} ]; do sleep 0.05; done
echo unix://${socket}`;
}
