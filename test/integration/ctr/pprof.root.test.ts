import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { defer } from '#base/disposal';
import { ctr } from '#cmd/ctr/program';
import { startDaemon } from '#test/support/daemon';
import { runProgramForTest } from '#test/support/run-program';

test('ctr pprof prints profiles of the daemon, and says what there is none of', async () => {
  const directory = mkdtempSync('/tmp/berth-pprof-');
  using _ = defer(() => rmSync(directory, { recursive: true }));
  const socket = join(directory, 'debug.sock');
  await using daemon = await startDaemon({ config: `[debug]\naddress = '${socket}'` });
  const pprof = (...words: readonly string[]) => runProgramForTest(ctr, ['pprof', '-d', socket, ...words]);
  const profile = await pprof('profile', '--seconds', '1s');
  expect(JSON.parse(profile.out).nodes.length).toBeGreaterThan(1);
  expect(JSON.parse((await pprof('heap')).out)).toHaveProperty('snapshot');
  expect((await pprof('goroutines')).out).toContain('pending operations');
  expect(await pprof('block')).toMatchObject({ code: 1, err: expect.stringContaining('/debug/pprof/profile') });
  expect(daemon.log).not.toContain('level=error');
}, 120_000);

test('a debug socket that is not there is said with its path', async () => {
  const { code, err } = await runProgramForTest(ctr, ['pprof', '-d', '/nowhere/debug.sock', 'heap']);
  expect([code, err]).toEqual([1, expect.stringContaining('/nowhere/debug.sock')]);
});
