import { expect, test } from 'bun:test';
import { notFound } from '#base/errors';
import type { Process, ProcessExit, TaskStatus } from '#core/runtime/runtime';
import type { Metric, NewTask, Tasks } from '#core/runtime/tasks';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { overTheWire } from '../in-process.ts';
import { remoteTasks } from './client.ts';
import { serveTasks } from './server.ts';

const scope = scopeOf('k8s.io', { lease: 'l' });
const any = (text: string) => ({ typeUrl: `types.containerd.io/${text}`, value: new Uint8Array([0, 255, 1]) });
const at = { seconds: 1_700_000_000, nanos: 123_456_789 };
const stdio = { stdin: '/in', stdout: 'file:///out', stderr: '', terminal: true };
const checkpoint = { mediaType: 'criu', digest: digestOf('c'), size: 3 };

/** Tasks that write down how they are called and answer what they are given. */
function recorder(answers: Partial<Record<keyof Tasks, unknown>>) {
  const calls: unknown[][] = [];
  const tasks = new Proxy({} as Tasks, {
    get:
      (_, name: keyof Tasks) =>
      async (asked: typeof scope, ...rest: unknown[]) => {
        calls.push([name, asked.namespace, asked.lease, ...rest]);
        return answers[name];
      },
  });
  return { calls, tasks };
}

const over = (tasks: Tasks) => overTheWire(serveTasks(tasks), remoteTasks);

test('every call arrives as it was made', async () => {
  const { calls, tasks } = recorder({ create: { pid: 7 }, start: { pid: 8 }, checkpoint: [], pids: [], metrics: [] });
  await using subject = await over(tasks);
  const { store } = subject;
  const mount = { type: 'overlay', source: 'overlay', target: '', options: ['lowerdir=a:b', 'ro'] };
  const task: NewTask = { ...stdio, rootfs: [mount], options: any('o'), runtimePath: '/shim', checkpoint };
  const least: NewTask = { ...stdio, rootfs: [] };
  expect(await store.create(scope, 'c', task)).toEqual({ pid: 7 });
  await store.create(scope, 'c', least);
  expect(await store.start(scope, 'c', 'e')).toEqual({ pid: 8 });
  await store.kill(scope, 'c', { execId: 'e', signal: 9, all: true });
  await store.exec(scope, 'c', { ...stdio, execId: 'e', spec: any('p') });
  await store.resizePty(scope, 'c', 'e', { width: 80, height: 25 });
  await store.closeIo(scope, 'c', 'e', true);
  await store.pause(scope, 'c');
  await store.resume(scope, 'c');
  await store.update(scope, 'c', any('r'), { a: 'b' });
  await store.checkpoint(scope, 'c', any('k'));
  await store.checkpoint(scope, 'c');
  await store.metrics(scope, ['id==c']);
  expect(calls.map(([name, namespace, lease, ...rest]) => [`${name} ${namespace} ${lease}`, ...rest])).toEqual([
    ['create k8s.io l', 'c', task],
    ['create k8s.io l', 'c', least],
    ['start k8s.io l', 'c', 'e'],
    ['kill k8s.io l', 'c', { execId: 'e', signal: 9, all: true }],
    ['exec k8s.io l', 'c', { ...stdio, execId: 'e', spec: any('p') }],
    ['resizePty k8s.io l', 'c', 'e', { width: 80, height: 25 }],
    ['closeIo k8s.io l', 'c', 'e', true],
    ['pause k8s.io l', 'c'],
    ['resume k8s.io l', 'c'],
    ['update k8s.io l', 'c', any('r'), { a: 'b' }],
    ['checkpoint k8s.io l', 'c', any('k')],
    ['checkpoint k8s.io l', 'c', undefined],
    ['metrics k8s.io l', ['id==c']],
  ]);
});

test('every answer comes back as it was given', async () => {
  const exit: ProcessExit = { id: 'c', pid: 9, exitStatus: 137, exitedAt: at };
  const pids = [{ pid: 1 }, { pid: 2, info: any('ProcessDetails') }];
  const metrics: Metric[] = [{ id: 'c', timestamp: at, data: any('Metrics') }];
  const { tasks } = recorder({
    delete: exit,
    deleteProcess: { ...exit, id: 'e' },
    wait: exit,
    pids,
    metrics,
    checkpoint: [checkpoint],
  });
  await using subject = await over(tasks);
  const { store } = subject;
  expect(await store.delete(scope, 'c')).toEqual(exit);
  expect(await store.deleteProcess(scope, 'c', 'e')).toEqual({ ...exit, id: 'e' });
  expect(await store.wait(scope, 'c', '')).toEqual({ ...exit, pid: 0 });
  expect(await store.pids(scope, 'c')).toEqual(pids);
  expect(await store.metrics(scope)).toEqual(metrics);
  expect(await store.checkpoint(scope, 'c')).toEqual([checkpoint]);
});

test('a process has all its states, and its times only when it has ended', async () => {
  const statuses: TaskStatus[] = ['unknown', 'created', 'running', 'stopped', 'paused', 'pausing'];
  const process: Process = { ...stdio, id: 'c', execId: '', pid: 3, status: 'running', exitStatus: 0 };
  const list = statuses.map((status, i) => ({ ...process, id: `c${i}`, status, exitedAt: at }));
  const { tasks } = recorder({ state: { ...process, execId: 'e' }, list });
  await using subject = await over(tasks);
  expect(await subject.store.state(scope, 'c', 'e')).toEqual({ ...process, execId: 'e' });
  expect(await subject.store.list(scope)).toEqual(list);
});

test('a task that is not there says so, and one without a namespace is not asked', async () => {
  const { tasks } = recorder({});
  const absent = { ...tasks, state: () => Promise.reject(notFound('task c')) } as Tasks;
  await using subject = await over(absent);
  expect(await faultOf(subject.store.state(scope, 'c', ''))).toBe('not_found');
  expect(await faultOf(subject.store.state(scopeOf(''), 'c', ''))).toBe('failed_precondition');
});
