import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { quickCgroupMoves } from './cgroup-moves.ts';

const own = () => readFileSync('/proc/self/cgroup', 'utf8');

test('the process stays in the groups in which it is', async () => {
  const before = own();
  {
    using _first = quickCgroupMoves();
    using _second = quickCgroupMoves(20);
    await wait(60);
    expect(own()).toBe(before);
  }
  await wait(60);
  expect(own()).toBe(before);
});

test('a program that has nothing else to do may end meanwhile', () => {
  const script = `import { quickCgroupMoves } from '${import.meta.dir}/cgroup-moves.ts'; quickCgroupMoves(60_000)[Symbol.dispose](); quickCgroupMoves();`;
  const began = performance.now();
  const { exitCode } = Bun.spawnSync([process.execPath, '-e', script]);
  expect(exitCode).toBe(0);
  expect(performance.now() - began).toBeLessThan(20_000);
});
