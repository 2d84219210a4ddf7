import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { silent } from '#base/log';
import type { Glance } from '#core/runtime/runtime';
import { glanceAt } from './glance.ts';
import type { Task } from './task-table.ts';

const task = (id: string, pid: number, more: Partial<Task>): Task => ({
  ...{ namespace: 'ns', id, pid, exitTold: false, deleting: false },
  shim: undefined as never,
  ...more,
});

test('only those are asked of which it is not certain that they run', async () => {
  const gone = spawn('true');
  await once(gone, 'exit');
  const asked: string[] = [];
  const ask = async ({ id, pid }: Task): Promise<Glance> => {
    asked.push(id);
    if (id === 'hangs') throw new Error('no answer');
    return { id, pid, status: 'stopped', exitStatus: 7 };
  };
  const tasks = [
    task('runs', process.pid, { running: true }),
    task('ended', gone.pid ?? 0, { running: true }),
    task('told', process.pid, { running: true, exitTold: true }),
    task('paused', process.pid, { running: false }),
    task('adopted', process.pid, {}),
    task('hangs', process.pid, {}),
    task('unknown pid', 0, { running: true }),
  ];
  const found = await glanceAt(tasks, ask, silent);
  expect(asked).toEqual(['ended', 'told', 'paused', 'adopted', 'hangs', 'unknown pid']);
  expect(found.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'runs running',
    'ended stopped',
    'told stopped',
    'paused stopped',
    'adopted stopped',
    'unknown pid stopped',
  ]);
});
