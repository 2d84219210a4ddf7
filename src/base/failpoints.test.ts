import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint, failpointNow, failpoints, parseFailpoints } from './failpoints.ts';

const src = new URL('..', import.meta.url).pathname;

test('every failpoint of the table is in the code, once', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const used = files.flatMap((name) =>
    [...readFileSync(join(src, name), 'utf8').matchAll(/\bfailpoint(?:Now)?\?\.\('([^']+)'\)/g)].map(
      ([, point]) => point,
    ),
  );
  expect(used.filter((name) => name !== 'name').sort()).toEqual(Object.keys(failpoints).sort());
});

test('without the variable there is nothing to call', () => {
  expect([failpoint, failpointNow]).toEqual([undefined, undefined]);
});

test('actions and times are read; what is misspelt is refused', () => {
  const text = 'gc.swept=kill; bundle.made=error:3;content.write.chunk=delay(20):1;task.created=pause';
  expect([...parseFailpoints(text)]).toEqual([
    ['gc.swept', { action: { do: 'kill' }, time: 0 }],
    ['bundle.made', { action: { do: 'error' }, time: 3 }],
    ['content.write.chunk', { action: { do: 'delay', ms: 20 }, time: 1 }],
    ['task.created', { action: { do: 'pause' }, time: 0 }],
  ]);
  for (const bad of [
    'gc.swept',
    'gc.swept=',
    'gc.swept=boom',
    'no.such=kill',
    'gc.swept=delay',
    'gc.swept=kill(3)',
    'gc.swept=kill:0',
    'toString=kill',
  ])
    expect(() => parseFailpoints(bad)).toThrow(/^BERTH_FAILPOINTS: .*invalid argument$/);
});

/** What a program with these failpoints does, which reaches one three times. */
async function reached(points: string, how = `await failpoint?.('gc.swept')`) {
  const program = `import { failpoint, failpointNow } from ${JSON.stringify(join(src, 'base/failpoints.ts'))};
    for (let i = 1; i <= 3; i++) { try { ${how}; console.log(i); } catch (e) { console.log(e.message); } }`;
  const child = Bun.spawn([process.execPath, '-e', program], {
    env: { ...process.env, BERTH_FAILPOINTS: points },
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const out = new Response(child.stdout).text();
  return {
    child,
    out: out.then((text) => text.trim().split('\n').join(' ')),
    ended: child.exited.then(() => child.signalCode ?? child.exitCode),
  };
}

test('kill, error and delay act at their time, or every time', async () => {
  const cases = [
    ['gc.swept=error:2', '1 failpoint gc.swept 3', 0],
    ['gc.swept=error', 'failpoint gc.swept failpoint gc.swept failpoint gc.swept', 0],
    ['gc.swept=kill:3', '1 2', 'SIGKILL'],
    ['gc.marked=kill', '1 2 3', 0],
    ['gc.swept=delay(30)', '1 2 3', 0],
  ] as const;
  for (const [points, out, end] of cases) {
    for (const how of [`await failpoint?.('gc.swept')`, `failpointNow?.('gc.swept')`]) {
      const begin = performance.now();
      const run = await reached(points, how);
      expect([points, await run.out, await run.ended]).toEqual([points, out, end]);
      if (points.includes('delay')) expect(performance.now() - begin).toBeGreaterThan(90);
    }
  }
});

test('pause stops the process until it is told to go on', async () => {
  const { child, out, ended } = await reached('gc.swept=pause:2');
  const stateOf = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.[0];
  for (let waited = 0; stateOf() !== 'T' && waited < 60_000; waited += 10) await Bun.sleep(10);
  expect(stateOf()).toBe('T');
  child.kill('SIGCONT');
  expect([await out, await ended]).toEqual(['1 2 3', 0]);
});
