import { expect, test } from 'bun:test';
import { notFound, unavailable } from '#base/errors';
import { createLog } from '#base/log';
import type { Container } from '#core/containers/containers';
import { memoryContainers } from '#core/containers/memory';
import { settingsKey, settingsTypeUrl } from '#core/engine/container-settings';
import { restartLabels } from '#core/engine/restart-labels';
import type { Labels } from '#core/labels';
import type { Process } from '#core/runtime/runtime';
import type { Tasks } from '#core/runtime/tasks';
import { scopeOf } from '#core/scope';
import { RestartMonitor } from './monitor.ts';

const scope = scopeOf('ns');

/** Containers with these labels, by id; tasks in these states; what was asked of them, and of the log. */
async function subject(
  wanted: Readonly<Record<string, Labels>>,
  states: Record<string, Partial<Process> | Error>,
  extensions: Container['extensions'] = {},
) {
  const containers = memoryContainers();
  for (const [id, labels] of Object.entries(wanted)) {
    const spec = { typeUrl: 'spec', value: Buffer.from('{"process":{"terminal":false}}') };
    await containers.create(scope, {
      id,
      labels,
      spec,
      image: '',
      runtime: { name: 'r' },
      snapshotter: 's',
      snapshotKey: id,
      extensions,
      sandboxId: '',
    });
  }
  const calls: string[] = [];
  const errors: string[] = [];
  const during: Record<string, () => Promise<void>> = {};
  const tasks = new Proxy({} as Tasks, {
    get: (_, name: string) => async (__: unknown, id: string, options: unknown) => {
      if (name !== 'state') {
        calls.push(`${name} ${id}${name === 'create' ? ` ${JSON.stringify(options)}` : ''}`);
        return await during[name]?.();
      }
      const state = states[id] ?? notFound(`task ${id}`);
      if (state instanceof Error) throw state;
      return state;
    },
  });
  const mounts = async () => [{ type: 'bind', source: '/s', target: '', options: [] }];
  const metadata = {
    containers,
    namespaces: { list: async () => [{ name: 'ns', labels: {} }] } as never,
    snapshotters: new Map([['s', { mounts } as never]]),
  };
  const log = createLog({ level: 'error', format: 'json', write: (line) => errors.push(JSON.parse(line).error) });
  const monitor = new RestartMonitor({ metadata, tasks, runtime: tasks, log });
  return { calls, errors, containers, states, during, run: () => monitor.reconcile(new AbortController().signal) };
}

test('a stopped task is taken down and started again, with its log, and counted', async () => {
  const labels = { [restartLabels.status]: 'running', [restartLabels.logUri]: 'file:///log', keep: 'me' };
  const { calls, containers, run } = await subject({ c: labels }, { c: { status: 'stopped', exitStatus: 1 } });
  await run();
  expect(calls).toEqual([
    'wait c',
    'kill c',
    'delete c',
    'create c {"stdin":"","stdout":"file:///log","stderr":"file:///log","terminal":false,"rootfs":[{"type":"bind","source":"/s","target":"","options":[]}]}',
    'start c',
  ]);
  expect((await containers.get(scope, 'c')).labels).toEqual({ ...labels, [restartLabels.count]: '1' });
});

test('the streams of a container with settings are as these say', async () => {
  const streams = {
    ...{ terminal: true, openStdin: true, stdinOnce: false, logDriver: 'json-file', logOptions: {}, logPath: '/l' },
    ...{ stdin: 'attach:///a', stdout: 'log://json-file?path=%2Fl&attach=%2Fa', stderr: '' },
  };
  const settings = { name: 'n', stateDir: '/nowhere/c', dataStore: '/d', network: {}, streams };
  const value = Buffer.from(JSON.stringify(settings));
  const { calls, run } = await subject(
    { c: { [restartLabels.status]: 'running', [restartLabels.logUri]: 'file:///log' } },
    { c: { status: 'stopped', exitStatus: 1 } },
    { [settingsKey]: { typeUrl: settingsTypeUrl, value } },
  );
  await run();
  expect(calls.find((call) => call.startsWith('create'))).toStartWith(
    'create c {"stdin":"attach:///a","stdout":"log://json-file?path=%2Fl&attach=%2Fa","stderr":"","terminal":true',
  );
});

test('output goes nowhere when the label names neither file nor program', async () => {
  const { calls, run } = await subject(
    { c: { [restartLabels.status]: 'running', [restartLabels.logUri]: 'fifo:///x' } },
    {},
  );
  await run();
  expect(calls[0]).toStartWith('create c {"stdin":"","stdout":"","stderr":""');
});

test('a task that is to be stopped is ended and taken down', async () => {
  const { calls, run } = await subject({ c: { [restartLabels.status]: 'stopped' } }, { c: { status: 'running' } });
  await run();
  expect(calls).toEqual(['wait c', 'kill c', 'delete c']);
});

test('a task that nobody started is begun anew when the daemon starts, later only if it is seen twice', async () => {
  const wanted = { c: { [restartLabels.status]: 'running', [restartLabels.policy]: 'on-failure:2' } };
  const { calls, run, states } = await subject(wanted, { c: { status: 'created' } });
  await run();
  expect(calls.map((call) => call.split(' ', 1)[0])).toEqual(['wait', 'kill', 'delete', 'create', 'start']);
  states.c = { status: 'running' };
  await run();
  states.c = { status: 'created' };
  await run();
  expect(calls.length).toBe(5);
  await run();
  expect(calls.length).toBe(10);
});

test('containers without a wish are left alone, and one that fails does not keep the others', async () => {
  const always = { [restartLabels.status]: 'running' };
  const { calls, errors, run } = await subject(
    { a: {}, b: always, c: always },
    { b: unavailable('shim'), c: { status: 'running' } },
  );
  await run();
  expect(calls).toEqual([]);
  expect(errors).toEqual(['shim: unavailable']);
});

test('a start that its user revokes meanwhile ends with nothing that runs; so does one whose container is gone', async () => {
  for (const meddle of ['stop', 'remove']) {
    const labels = { [restartLabels.status]: 'running', [restartLabels.policy]: 'unless-stopped' };
    const { calls, containers, run, during } = await subject({ c: labels }, {});
    during.create = async () => {
      if (meddle === 'remove') return containers.delete(scope, 'c');
      const c = await containers.get(scope, 'c');
      await containers.update(scope, { ...c, labels: { [restartLabels.explicitlyStopped]: 'true' } }, [
        `labels.${restartLabels.explicitlyStopped}`,
      ]);
    };
    await run();
    expect(calls.map((call) => call.split(' ', 1)[0])).toEqual(['create', 'wait', 'kill', 'delete']);
  }
});
