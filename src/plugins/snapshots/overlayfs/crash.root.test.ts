import { expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import { scope } from '#core/snapshots/snapshotter.suite';
import { spawn } from '#sys/process';
import { OverlaySnapshotter } from './overlay-snapshotter.ts';

/** What a snapshot goes through; every step may have happened without its acknowledgement, but no acknowledged one is undone. */
const steps = ['none', 'active', 'committed', 'gone'];

test('killed at any moment the store opens, has what it acknowledged, and keeps no directory that belongs to nothing', async () => {
  const root = mkdtempSync('/dev/shm/berth-crash-');
  const acknowledged = new Map<string, number>();
  for (let round = 0; round < 15; round++) {
    for (const line of (await runAndKill(root, `r${round}`, 5 + Math.random() * 60)).split('\n').slice(1)) {
      const [name = '', step = ''] = line.split(' ');
      acknowledged.set(name, steps.indexOf(step));
    }
    await using store = await OverlaySnapshotter.open(root, options);
    const found = new Set<string>();
    for await (const { name } of store.walk(scope)) found.add(name);
    for (const [name, step] of acknowledged) {
      const now = found.has(name) ? 2 : found.has(`${name}-key`) ? 1 : step >= 2 ? 3 : 0;
      expect([name, [step, step + 1].includes(now)]).toEqual([name, true]);
      acknowledged.set(name, now);
    }
    await store.cleanup(scope);
    expect(readdirSync(join(root, 'snapshots')).length).toBe(found.size);
  }
  expect(acknowledged.size).toBeGreaterThan(100);
  rmSync(root, { recursive: true });
}, 120_000);

const options = { mountOptions: [], upperdirLabel: false, syncRemove: false, log: silent };

async function runAndKill(root: string, tag: string, afterMs: number): Promise<string> {
  const program = join(import.meta.dir, 'crash-loop.fixture.ts');
  const child = spawn([process.execPath, program, root, tag], { env: { PATH: '/bin' }, stdout: 'pipe', stderr: 2 });
  const decoder = new TextDecoder();
  let said = '';
  for await (const chunk of child.stdout as ReadableStream<Uint8Array>) {
    if (said === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
    said += decoder.decode(chunk, { stream: true });
  }
  expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
  // The last line may be half.
  return said.slice(0, said.lastIndexOf('\n'));
}
