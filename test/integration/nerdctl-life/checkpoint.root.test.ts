import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type LifeRig, startLifeRig } from './rig.ts';

let rig: LifeRig;
beforeAll(async () => {
  rig = await startLifeRig();
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

// shows: checkpoint create, checkpoint create --leave-running, checkpoint ls, checkpoint rm, checkpoint create --checkpoint-dir, checkpoint ls --checkpoint-dir, checkpoint rm --checkpoint-dir, start --checkpoint, start --checkpoint-dir
test('checkpoints are made where CRIU can, listed and removed; what the runtime says is told where it cannot', async () => {
  await rig.make('saved', ['sleep', '1000']);
  expect(await rig.nerdctl(['checkpoint', 'create', 'saved', 'one'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('is not running'),
  });
  await rig.nerdctl(['start', 'saved']);
  const made = await rig.nerdctl(['checkpoint', 'create', '--leave-running', 'saved', 'one']);
  const names = (await rig.nerdctl(['checkpoint', 'ls', 'saved'])).out.trim().split('\n').slice(1);
  if (made.code === 0) {
    expect(names).toEqual(['one']);
    expect(await rig.nerdctl(['checkpoint', 'create', 'saved', 'one'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('already exists'),
    });
    expect(await rig.nerdctl(['checkpoint', 'rm', 'saved', 'one'])).toMatchObject({ code: 0 });
  } else {
    // Nothing of a checkpoint that failed stays.
    expect(made.err).toMatch(/^Error response from daemon: .*criu/i);
    expect(names).toEqual([]);
  }
  const elsewhere = ['--checkpoint-dir', join(rig.dataRoot, 'saves')];
  mkdirSync(join(rig.dataRoot, 'saves/two'), { recursive: true });
  expect((await rig.nerdctl(['checkpoint', 'ls', ...elsewhere, 'saved'])).out).toBe('CHECKPOINT NAME\ntwo\n');
  expect((await rig.nerdctl(['checkpoint', 'create', ...elsewhere, 'saved', 'two'])).err).toContain('already exists');
  expect(await rig.nerdctl(['checkpoint', 'rm', ...elsewhere, 'saved', 'two'])).toMatchObject({ code: 0 });
  expect(await rig.nerdctl(['checkpoint', 'rm', 'saved', 'nosuch'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('does not exist'),
  });
  expect(await rig.nerdctl(['checkpoint', 'create', 'saved', '../x'])).toMatchObject({ code: 1 });
  for (const where of [[], elsewhere]) {
    const { code, err } = await rig.nerdctl(['start', '--checkpoint', 'nosuch', ...where, 'saved']);
    expect(code).toBe(1);
    expect(err).toContain('nosuch');
  }
}, 300_000);

test('a foreground run goes on over kill -9 of the daemon', async () => {
  const running = rig.nerdctl([
    'run',
    '--network',
    'none',
    '--name',
    'steady',
    'busybox',
    'sh',
    '-c',
    'for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.3; done; exit 6',
  ]);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await rig.daemon.restart('SIGKILL');
  expect(await running).toMatchObject({ code: 6, out: '1\n2\n3\n4\n5\n6\n7\n8\n' });
  await rig.nerdctl(['rm', '-f', 'steady', 'saved']);
}, 300_000);
