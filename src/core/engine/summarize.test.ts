import { expect, test } from 'bun:test';
import type { Container } from '#core/containers/containers';
import type { Glance } from '#core/runtime/runtime';
import { summarize } from './summarize.ts';

const at = { seconds: 1_700_000_000, nanos: 0 };
const container = (
  labels: Readonly<Record<string, string>>,
  args: readonly string[] = ['sh', '-c', 'a b'],
): Container => ({
  ...{ id: 'c', labels, image: 'docker.io/library/x:latest', runtime: { name: 'r' }, snapshotter: '', snapshotKey: '' },
  spec: { typeUrl: 'spec', value: Buffer.from(JSON.stringify({ process: { args } })) },
  ...{ extensions: {}, sandboxId: '', createdAt: at, updatedAt: at },
});
const stopped = (exitStatus: number): Glance => ({ id: 'c', pid: 7, status: 'stopped', exitStatus, exitedAt: at });
const state = async (labels: Readonly<Record<string, string>>, task: Glance | undefined) =>
  (await summarize(container(labels), task)).state;
const wish = (policy: string, more: Readonly<Record<string, string>> = {}) => ({
  'containerd.io/restart.status': 'running',
  'containerd.io/restart.policy': policy,
  ...more,
});

test('a container of another tool is told from its record, its spec and its task', async () => {
  const running: Glance = { id: 'c', pid: 7, status: 'running', exitStatus: 0 };
  expect(await summarize(container({ 'nerdctl/name': 'n', a: 'b' }), running)).toMatchObject({
    ...{ name: 'n', state: 'running', pid: 7, exitCode: 0, startedAt: '', finishedAt: '', ports: [], mounts: [] },
    command: "sh -c 'a b'",
    labels: { 'nerdctl/name': 'n', a: 'b' },
  });
  const pod = {
    'io.kubernetes.pod.namespace': 'ns',
    'io.kubernetes.pod.name': 'p',
    'io.kubernetes.container.name': 'c',
  };
  expect((await summarize(container(pod), undefined)).name).toBe('k8s://ns/p/c');
  expect(
    (await summarize({ ...container({}), spec: { typeUrl: '', value: Buffer.from([1]) } }, undefined)).command,
  ).toBe('');
});

test('what its user stopped, or what has failed too often, is not about to be started', async () => {
  expect([
    await state({}, undefined),
    await state({}, { ...stopped(0), status: 'created' }),
    await state({}, { ...stopped(0), status: 'paused' }),
    await state({}, stopped(3)),
    await state(wish('always'), stopped(0)),
    await state(wish('unless-stopped'), stopped(1)),
    await state(wish('unless-stopped', { 'containerd.io/restart.explicitly-stopped': 'true' }), stopped(1)),
    await state(wish('on-failure:2'), stopped(1)),
    await state(wish('on-failure:2', { 'containerd.io/restart.count': '2' }), stopped(1)),
    await state(wish('on-failure'), stopped(0)),
    await state(wish('no'), stopped(1)),
  ]).toEqual([
    'created',
    'created',
    'paused',
    'exited',
    'restarting',
    'restarting',
    'exited',
    'restarting',
    'exited',
    'exited',
    'exited',
  ]);
});
