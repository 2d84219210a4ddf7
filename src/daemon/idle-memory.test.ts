import { expect, test } from 'bun:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Operations } from '#base/operations';
import { tidyWhenIdle } from './idle-memory.ts';

const times = { checkMs: 10, garbageMs: 60, codeMs: 200, againMs: 300 };

function watched(operations: Operations) {
  const done: string[] = [];
  const memory = {
    collectGarbage: () => void done.push('garbage'),
    forgetCode: () => void done.push('code'),
    releaseProgram: () => void done.push('program'),
  };
  const tidying = tidyWhenIdle(operations, times, memory);
  return { done, [Symbol.dispose]: () => tidying[Symbol.dispose]() };
}

test('an idle daemon gives garbage back, then code, then what code had held, each once', async () => {
  const operations = new Operations();
  operations.begin('call', 'that never ends');
  using tidy = watched(operations);
  await wait(800);
  expect(tidy.done).toEqual(['garbage', 'code', 'garbage', 'program']);
});

test('after new calls it does so again', async () => {
  const operations = new Operations();
  using tidy = watched(operations);
  await wait(800);
  operations.begin('call', 'x')[Symbol.dispose]();
  await wait(800);
  expect(tidy.done).toEqual(['garbage', 'code', 'garbage', 'program', 'garbage', 'code', 'garbage', 'program']);
});

test('under calls nothing is done', async () => {
  const operations = new Operations();
  using tidy = watched(operations);
  const end = performance.now() + 500;
  while (performance.now() < end) {
    operations.begin('call', 'x')[Symbol.dispose]();
    await wait(2);
  }
  expect(tidy.done).toEqual([]);
});
