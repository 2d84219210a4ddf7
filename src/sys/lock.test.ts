import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockFile } from './lock.ts';
import { run } from './process.ts';

test('a lock is held once, refused to another process, and free after its end', async () => {
  const dir = mkdtempSync('/dev/shm/berth-lock-');
  const path = join(dir, 'lock');
  const env = { PATH: '/bin:/usr/bin' };
  {
    using _held = lockFile(path);
    expect(() => lockFile(path)).toThrow(/locked by another process: failed precondition$/);
    expect((await run(['flock', '-n', path, 'true'], { env })).exitCode).toBe(1);
  }
  expect((await run(['flock', '-n', path, 'true'], { env })).exitCode).toBe(0);
  lockFile(path)[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});
