import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectGarbage, forgetCode, releaseProgram } from './heap.ts';

function filePagesKb(): number {
  const line = /^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line![1]);
}

test("the program's own code can be taken out of memory while it runs", () => {
  const before = filePagesKb();
  releaseProgram();
  expect(filePagesKb()).toBeLessThan(before * 0.8);
  expect([3, 1, 2].sort().join()).toBe('1,2,3');
});

test('garbage and compiled code can go at any time', () => {
  const kept = new Map([['a', { b: 1 }]]);
  collectGarbage();
  forgetCode();
  expect(kept.get('a')).toEqual({ b: 1 });
});

test('locked memory stays where it is, and nobody is the worse for it', () => {
  const program = `import { dlopen } from 'bun:ffi';
    import { releaseProgram } from ${JSON.stringify(join(import.meta.dirname, 'heap.ts'))};
    const { symbols } = dlopen('libc.so.6', { mlockall: { args: ['i32'], returns: 'i32' } });
    const [current, onFault] = [1, 4];
    if (symbols.mlockall(current | onFault) !== 0) throw new Error('mlockall');
    releaseProgram();
    console.log('on');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual(['on\n', '']);
});
