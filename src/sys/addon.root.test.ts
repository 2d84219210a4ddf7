import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { addon } from './addon.ts';
import { run } from './process.ts';

test('wrong arguments are TypeErrors that name the place', () => {
  const loose = addon as unknown as Record<string, (...args: unknown[]) => unknown>;
  expect(() => loose.statfs?.(5)).toThrow('argument 1 must be a string or a Uint8Array');
  expect(() => loose.mkdirAt?.(-100, '/x', 1.5)).toThrow('argument 3 must be an integer');
  expect(() => loose.mkdirAt?.(-100, '/x', -1)).toThrow('argument 3 must be an unsigned 32-bit integer');
  expect(() => loose.mkdirAt?.('/', '/x', 1)).toThrow('argument 1 must be an integer');
  expect(() => loose.mkdirAt?.(-100)).toThrow(TypeError);
  expect(() => loose.treeStat?.({}, 'x')).toThrow('argument 1 must be a handle of this addon');
});

test('many threads use it at once, and may end in the middle of a call', async () => {
  const work = `
    const { parentPort } = require('node:worker_threads');
    const { diskUsage } = require(${JSON.stringify(join(import.meta.dir, 'fs.ts'))});
    const { Tree } = require(${JSON.stringify(join(import.meta.dir, 'tree.ts'))});
    const { mkdtempSync, rmSync } = require('node:fs');
    const dir = mkdtempSync('/dev/shm/berth-worker-');
    const tree = new Tree(dir);
    const at = { mode: 0o644, uid: 0, gid: 0, modified: { sec: 0, ns: 0 } };
    for (let i = 0; i < 500; i++) tree.file('d' + (i % 60) + '/f' + i, at, new Uint8Array(10));
    diskUsage(dir).then((usage) => { rmSync(dir, { recursive: true }); diskUsage('/usr'); parentPort.postMessage(usage.inodes); });`;
  const results = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const worker = new Worker(work, { eval: true });
      const answer = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await worker.terminate();
      return answer;
    }),
  );
  expect(results).toEqual([561, 561, 561, 561]);
});

test('a compiled program carries the addon inside', async () => {
  const dir = mkdtempSync('/tmp/berth-compile-');
  const source = join(dir, 'main.ts');
  writeFileSync(
    source,
    `import { filesystemOf } from '${import.meta.dir}/fs.ts'; console.log(filesystemOf('/proc').type);`,
  );
  const env = { PATH: '/bin:/usr/bin', HOME: dir, TMPDIR: dir };
  const out = join(dir, 'main');
  const build = await run([process.execPath, 'build', '--compile', source, '--outfile', out], { env });
  expect([build.exitCode, build.stderr]).toMatchObject([0, expect.any(String)]);
  expect(await run([out], { env, cwd: '/' })).toMatchObject({ exitCode: 0, stdout: '0x9fa0\n' });
  rmSync(dir, { recursive: true });
});
