import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { notFound } from '#base/errors';
import { silent } from '#base/log';
import { memoryContainers } from '#core/containers/memory';
import { type ContainerSettings, packSettings } from '#core/engine/container-settings';
import { readLifecycle, writeLifecycle } from '#core/engine/lifecycle-file';
import type { Process } from '#core/runtime/runtime';
import { scopeOf } from '#core/scope';
import { Lives } from './lives.ts';

const scope = scopeOf('ns');
const at = { seconds: 1_000, nanos: 0 };

/** A container with settings, in a data store of its own; what was removed of it, in order; its task, which tests set. */
async function subject(wanted: Partial<ContainerSettings>) {
  const dataStore = mkdtempSync('/dev/shm/berth-lives-');
  const stateDir = join(dataStore, 'containers/ns/c');
  for (const directory of ['containers/ns/c', 'names/ns', 'etchosts/ns/c', 'volumes/ns/v/_data'])
    mkdirSync(join(dataStore, directory), { recursive: true });
  writeFileSync(join(dataStore, 'names/ns/name'), 'c');
  const containers = memoryContainers();
  const settings = {
    ...{ name: 'name', dataStore, stateDir, network: {}, streams: {}, mounts: [], anonymousVolumes: ['v'] },
    ...wanted,
  } as unknown as ContainerSettings;
  await containers.create(scope, {
    ...{ id: 'c', labels: {}, image: '', runtime: { name: 'r' }, snapshotter: 's', snapshotKey: 'c', sandboxId: '' },
    spec: { typeUrl: 'spec', value: Buffer.from('{}') },
    extensions: { berth: packSettings(settings) },
  });
  const removed: string[] = [];
  const task: { now: Partial<Process> | undefined } = { now: undefined };
  const lives = new Lives({
    log: silent,
    signal: new AbortController().signal,
    tasks: {
      state: async () => {
        if (task.now === undefined) throw notFound('task');
        return task.now as Process;
      },
      delete: async () => {
        removed.push('task');
        task.now = undefined;
        return {} as never;
      },
    },
    metadata: {
      containers,
      namespaces: { list: async () => [{ name: 'ns', labels: {} }] } as never,
      snapshotters: new Map([['s', { remove: async () => void removed.push('snapshot') } as never]]),
    },
  });
  const isThere = async () => (await containers.list(scope)).length === 1;
  return {
    ...{ lives, removed, task, stateDir, dataStore, isThere, containers },
    [Symbol.dispose]: () => rmSync(dataStore, { recursive: true }),
  };
}

test('start, lack of memory and end are noted in turn', async () => {
  using one = await subject({});
  one.lives.note({ namespace: 'ns', id: 'c', kind: 'started', pid: 7, at });
  one.lives.note({ namespace: 'ns', id: 'c', kind: 'oom' });
  one.lives.note({ namespace: 'ns', id: 'c', kind: 'ended', pid: 7, exitCode: 137, at: { seconds: 1_001, nanos: 0 } });
  await one.lives.settled();
  expect(await readLifecycle(one.stateDir)).toEqual({
    pid: 7,
    startedAt: '1970-01-01T00:16:40.000000000Z',
    finishedAt: '1970-01-01T00:16:41.000000000Z',
    exitCode: 137,
    oomKilled: true,
    createError: '',
  });
  expect(await one.isThere()).toBe(true);
});

test('the end of the process before comes later than the start of the next at times', async () => {
  using one = await subject({});
  one.lives.note({ namespace: 'ns', id: 'c', kind: 'started', pid: 8, at });
  one.lives.note({ namespace: 'ns', id: 'c', kind: 'ended', pid: 7, exitCode: 1, at });
  await one.lives.settled();
  expect(await readLifecycle(one.stateDir)).toMatchObject({ pid: 8, finishedAt: '' });
});

test('what is to go with its process goes whole: task, snapshot, files, name, volumes, record', async () => {
  using one = await subject({ autoRemove: true });
  one.task.now = { status: 'stopped', pid: 7 };
  one.lives.note({ namespace: 'ns', id: 'c', kind: 'ended', pid: 7, exitCode: 0, at });
  await one.lives.settled();
  expect(one.removed).toEqual(['task', 'snapshot']);
  expect(await one.isThere()).toBe(false);
  for (const path of ['containers/ns/c', 'names/ns/name', 'etchosts/ns/c', 'volumes/ns/v'])
    expect([path, existsSync(join(one.dataStore, path))]).toEqual([path, false]);
});

test('what has been started again meanwhile stays, running or created', async () => {
  using one = await subject({ autoRemove: true });
  for (const now of [
    { status: 'running', pid: 8 },
    { status: 'created', pid: 8 },
    { status: 'stopped', pid: 8 },
  ] as const) {
    one.task.now = now;
    one.lives.note({ namespace: 'ns', id: 'c', kind: 'ended', pid: 7, exitCode: 0, at });
    await one.lives.settled();
  }
  expect(one.removed).toEqual([]);
  expect(await one.isThere()).toBe(true);
});

test('a volume that another container has stays, and so does a name that is another container’s', async () => {
  using one = await subject({ autoRemove: true });
  const other = { ...(await one.containers.get(scope, 'c')), id: 'd' };
  await one.containers.create(scope, {
    ...other,
    extensions: {
      berth: packSettings({
        ...{ name: 'd', stateDir: '/x/d', dataStore: '/x' },
        network: {},
        streams: {},
        mounts: [{ name: 'v' }],
      } as never),
    },
  });
  writeFileSync(join(one.dataStore, 'names/ns/name'), 'd');
  one.task.now = { status: 'stopped', pid: 7 };
  one.lives.note({ namespace: 'ns', id: 'c', kind: 'ended', pid: 7, exitCode: 0, at });
  await one.lives.settled();
  expect([existsSync(join(one.dataStore, 'volumes/ns/v')), existsSync(join(one.dataStore, 'names/ns/name'))]).toEqual([
    true,
    true,
  ]);
});

test('a look at all finishes what was cut short, and leaves what never ran', async () => {
  using one = await subject({ autoRemove: true });
  await one.lives.lookAtAll();
  expect(await one.isThere()).toBe(true);
  await writeLifecycle(one.stateDir, {
    pid: 7,
    startedAt: 'x',
    finishedAt: '',
    exitCode: 0,
    oomKilled: false,
    createError: '',
  });
  await one.lives.lookAtAll();
  expect(await one.isThere()).toBe(false);
});

test('a look at all notes what nobody saw end: with its code where its shim knows it, else 255', async () => {
  using one = await subject({});
  const running = { pid: 7, startedAt: 'x', finishedAt: '', exitCode: 0, oomKilled: false, createError: '' };
  await writeLifecycle(one.stateDir, running);
  one.task.now = { status: 'running', pid: 7 };
  await one.lives.lookAtAll();
  expect(await readLifecycle(one.stateDir)).toEqual(running);
  one.task.now = { status: 'stopped', pid: 7, exitStatus: 3, exitedAt: at };
  await one.lives.lookAtAll();
  expect(await readLifecycle(one.stateDir)).toMatchObject({
    exitCode: 3,
    finishedAt: '1970-01-01T00:16:40.000000000Z',
  });
  await writeLifecycle(one.stateDir, running);
  one.task.now = undefined;
  await one.lives.lookAtAll();
  expect(await readLifecycle(one.stateDir)).toMatchObject({ exitCode: 255 });
});
