import { expect, test } from 'bun:test';
import { classOf } from '#base/errors';
import { scopeOf } from '#core/scope';
import type { Shim } from './shim.ts';
import { type Task, TaskTable } from './task-table.ts';

const task = (namespace: string, id: string): Task => ({
  namespace,
  id,
  shim: {} as Shim,
  pid: 0,
  exitTold: false,
  deleting: false,
});

function classThrown(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return classOf(thrown);
  }
}

test('a name is taken from the moment it is reserved until its task is removed', () => {
  const table = new TaskTable();
  const made = task('a', 'x');
  {
    using _name = table.reserve('a', 'x');
    expect(classThrown(() => table.reserve('a', 'x'))).toBe('already_exists');
    expect(classThrown(() => table.get(scopeOf('a'), 'x'))).toBe('not_found');
    table.add(made);
  }
  expect(classThrown(() => table.reserve('a', 'x'))).toBe('already_exists');
  expect(table.get(scopeOf('a'), 'x')).toBe(made);
  expect(table.remove(made)).toBe(true);
  expect(table.remove(made)).toBe(false);
  table.reserve('a', 'x')[Symbol.dispose]();
});

test('a name that was given up is free again', () => {
  const table = new TaskTable();
  table.reserve('a', 'x')[Symbol.dispose]();
  expect(classThrown(() => table.reserve('a', 'x'))).toBe('none');
});

test('namespaces do not see each other', () => {
  const table = new TaskTable();
  const [first, second] = [task('a', 'x'), task('b', 'x')];
  table.add(first);
  table.add(second);
  expect([table.in('a'), table.in('b'), table.in('c'), table.all()]).toEqual([[first], [second], [], [first, second]]);
});

test('a task that another has replaced does not take it off the table', () => {
  const table = new TaskTable();
  const [old, young] = [task('a', 'x'), task('a', 'x')];
  table.add(old);
  table.add(young);
  expect(table.remove(old)).toBe(false);
  expect(table.find('a', 'x')).toBe(young);
});
