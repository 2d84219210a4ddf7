import { expect, test } from 'bun:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { CheckpointOptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { notFound, unavailable } from '#base/errors';
import { silent } from '#base/log';
import { memoryContainers } from '#core/containers/memory';
import type { Descriptor } from '#core/descriptor';
import type { CreateTaskOptions, Process, Runtime } from '#core/runtime/runtime';
import type { NewTask } from '#core/runtime/tasks';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { Checkpoints } from './checkpoints.ts';
import { ContainerTasks } from './container-tasks.ts';

const scope = scopeOf('default');
const any = (typeUrl: string): Any => ({ typeUrl, value: new Uint8Array([1]) });
const io = { stdin: '', stdout: '/out', stderr: '', terminal: false };
const process = (id: string): Process => ({ ...io, id, execId: '', pid: 7, status: 'running', exitStatus: 0 });

/** Tasks of a container `c` on a runtime that writes down what it is asked. */
async function subject(answers: Partial<Runtime> = {}, sandboxId = '') {
  const calls: unknown[][] = [];
  const runtime = new Proxy({} as Runtime, {
    get: (_, name: keyof Runtime) =>
      answers[name] ?? (async (...args: unknown[]) => void calls.push([name, ...args.slice(1)])),
  });
  const containers = memoryContainers();
  await containers.create(scope, {
    ...{ id: 'c', labels: {}, image: '', snapshotter: '', snapshotKey: '', extensions: {}, sandboxId },
    runtime: { name: 'io.containerd.runc.v2', options: any('own') },
    spec: any('spec'),
  });
  const checkpoints = new Checkpoints(undefined as never, undefined as never);
  const endpoints = {
    find: async (_: unknown, id: string, { endpoint }: Pick<NewTask, 'endpoint'>) =>
      endpoint ?? { address: `ttrpc+unix:///${id}`, version: 3 },
  };
  const parts = { containers, runtime, checkpoints, endpoints, attendants: [], statsTimeoutMs: 50, log: silent };
  return { calls, tasks: new ContainerTasks(parts) };
}

test('every call about a container that does not exist is not_found, and the runtime is not asked', async () => {
  const { tasks, calls } = await subject();
  const size = { width: 1, height: 1 };
  const asked = [
    tasks.create(scope, 'x', { ...io, rootfs: [] }),
    tasks.start(scope, 'x', ''),
    tasks.delete(scope, 'x'),
    tasks.deleteProcess(scope, 'x', 'e'),
    tasks.state(scope, 'x', ''),
    tasks.kill(scope, 'x', { execId: '', signal: 9, all: false }),
    tasks.exec(scope, 'x', { ...io, execId: 'e', spec: any('p') }),
    tasks.resizePty(scope, 'x', '', size),
    tasks.closeIo(scope, 'x', '', true),
    tasks.pause(scope, 'x'),
    tasks.resume(scope, 'x'),
    tasks.pids(scope, 'x'),
    tasks.update(scope, 'x', any('r'), {}),
    tasks.wait(scope, 'x', ''),
    tasks.checkpoint(scope, 'x'),
  ];
  expect(new Set(await Promise.all(asked.map(faultOf)))).toEqual(new Set(['not_found']));
  expect(calls).toEqual([]);
});

test("a task has its container's spec, runtime and options, unless the call brings options", async () => {
  const created: CreateTaskOptions[] = [];
  const { tasks } = await subject({
    create: async (_, __, options) => {
      created.push(options);
      return { pid: 3 };
    },
  });
  expect(await tasks.create(scope, 'c', { ...io, rootfs: [] })).toEqual({ pid: 3 });
  await tasks.create(scope, 'c', { ...io, rootfs: [], options: any('given'), runtimePath: '/shim' });
  expect(created).toEqual([
    { ...io, rootfs: [], runtime: 'io.containerd.runc.v2', spec: any('spec'), options: any('own') },
    {
      ...io,
      rootfs: [],
      runtime: 'io.containerd.runc.v2',
      spec: any('spec'),
      options: any('given'),
      runtimePath: '/shim',
    },
  ]);
});

test("a task of a container in a sandbox goes where the sandbox's tasks are served", async () => {
  const created: (CreateTaskOptions['sandbox'] | undefined)[] = [];
  const create: Runtime['create'] = async (_, __, { sandbox }) => {
    created.push(sandbox);
    return { pid: 3 };
  };
  const endpoint = { address: 'ttrpc+unix:///given', version: 2 };
  for (const [box, given] of [
    ['', {}],
    ['box', {}],
    ['box', { endpoint }],
  ] as const) {
    const { tasks } = await subject({ create }, box);
    await tasks.create(scope, 'c', { ...io, rootfs: [], ...given });
  }
  expect(created).toEqual([
    undefined,
    { id: 'box', endpoint: { address: 'ttrpc+unix:///box', version: 3 } },
    { id: 'box', endpoint },
  ]);
});

test('an exec without an id is refused', async () => {
  const { tasks, calls } = await subject();
  expect(await faultOf(tasks.exec(scope, 'c', { ...io, execId: '', spec: any('p') }))).toBe('invalid_argument');
  expect(calls).toEqual([]);
});

test('figures are of the tasks that the filters choose; one that fails or hangs is left out', async () => {
  const { tasks } = await subject({
    list: async () => ['a', 'b', 'broken', 'hangs'].map(process),
    stats: async (_, id) => {
      if (id === 'broken') throw unavailable('shim');
      return id === 'hangs' ? await new Promise(() => {}) : any(id);
    },
  });
  const ids = async (...filters: string[]) =>
    (await tasks.metrics(scope, filters)).map(({ id, data }) => [id, data.typeUrl]);
  expect(await ids()).toEqual([
    ['a', 'a'],
    ['b', 'b'],
  ]);
  expect(await ids('id==b', 'namespace==other')).toEqual([['b', 'b']]);
  expect(await faultOf(tasks.metrics(scope, ['id===']))).toBe('invalid_argument');
});

test('a checkpoint goes where the options say, and nothing is stored then', async () => {
  const { tasks, calls } = await subject();
  const value = toBinary(CheckpointOptionsSchema, create(CheckpointOptionsSchema, { imagePath: '/images' }));
  const options: Any = { typeUrl: 'containerd.runc.v1.CheckpointOptions', value };
  expect(await tasks.checkpoint(scope, 'c', options)).toEqual([]);
  expect(calls).toEqual([['checkpoint', 'c', '/images', options]]);
  const broken = { ...options, value: new Uint8Array([0xff]) };
  expect(await faultOf(tasks.checkpoint(scope, 'c', broken))).toBe('invalid_argument');
});

test('only a checkpoint can be restored', async () => {
  const { tasks } = await subject({ create: async () => Promise.reject(notFound('not to be called')) });
  const checkpoint: Descriptor = {
    mediaType: 'application/json',
    digest: `sha256:${'0'.repeat(64)}` as Descriptor['digest'],
    size: 1,
  };
  expect(await faultOf(tasks.create(scope, 'c', { ...io, rootfs: [], checkpoint }))).toBe('invalid_argument');
});
