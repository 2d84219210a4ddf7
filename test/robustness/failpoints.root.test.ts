import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { randomUUID } from 'node:crypto';
import { type FailpointName, failpoints } from '#base/failpoints';
import { openClient } from '#client/client';
import { containerd } from '#cmd/containerd/program';
import { scopeOf } from '#core/scope';
import { busyboxImage } from '#test/support/busybox-image';
import { startDaemon, type TestDaemon } from '#test/support/daemon';
import { tidy, workOnEverything } from '#test/support/failpoint-work';
import { FakeRegistry } from '#test/support/fake-registry';
import { forgetNamespace, leftBehind } from '#test/support/nothing-left';
import { runProgramForTest } from '#test/support/run-program';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';

/** `npm run test:failpoints` takes all of them, and errors too; without it those that say the most. */
const all = process.env.BERTH_FAILPOINT_SET === 'all';
const chosen = process.env.BERTH_FAILPOINT_ONLY?.split(',');
const few: readonly FailpointName[] = [
  'metadata.transaction.committed',
  'metadata.content.stored',
  'metadata.snapshot.made',
  'metadata.commit.made',
  'gc.swept',
  'gc.doomed.taken',
  'transfer.layer.applied',
  'task.shim.started',
  'bundle.remove.renamed',
];
/** Which times it is reached are tried, for points that are reached often. */
const times: Partial<Record<FailpointName, readonly number[]>> = {
  'content.write.chunk': [1, 4],
  'metadata.transaction.open': [1, 12, 40],
  'metadata.transaction.committed': [4, 17],
  'metadata.transaction.durable': [2, 25],
};
const names = Object.keys(failpoints) as FailpointName[];
const tried = names.filter((name) => (chosen === undefined ? all || few.includes(name) : chosen.includes(name)));

const open = new AsyncDisposableStack();
const scope = scopeOf(`test-${randomUUID().slice(0, 8)}`);
let daemon: TestDaemon;
let reference = '';
let round = 0;

beforeAll(async () => {
  open.defer(() => forgetNamespace(scope.namespace));
  const registry = open.use(await FakeRegistry.start());
  publish(registry, 'a/b', 'v1', sampleImage([...busyboxImage().layers, sampleLayer({ a: 'x'.repeat(100_000) })]));
  reference = `${registry.host}/a/b:v1`;
  daemon = open.use(await startDaemon({ built: true, parent: '/dev/shm' }));
  await daemon.kill();
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

/** Every test begins without a daemon, also after one that failed. */
afterEach(() => daemon.kill());

/** Looks into the store of a daemon that does not run. */
async function checked(...flags: string[]): Promise<string> {
  const argv = ['-c', daemon.configPath, 'check', '--deep', ...flags];
  const { code, out, err } = await runProgramForTest(containerd(''), argv);
  return `${code}\n${out}${err}`;
}

/** The work again, without failpoints; then nothing may be left of either. */
async function again(what: string): Promise<void> {
  daemon.env = {};
  await daemon.start();
  await using client = openClient(daemon.address);
  await workOnEverything(daemon.address, scope, reference, `r${round++}`);
  await tidy(client, scope);
  expect([what, await leftBehind(daemon, client, scope)]).toEqual([what, []]);
  await daemon.kill();
  expect([what, await checked()]).toEqual([what, expect.stringMatching(/^0\n.*: 0 damages, 0 leftovers, 0 notes\n$/)]);
}

test('without failpoints all of the work is done, and nothing is left', async () => {
  await again('none');
}, 120_000);

for (const name of tried) {
  for (const time of times[name] ?? [1]) {
    test(`killed at ${name}, time ${time}: nothing is lost, and all can be done again`, async () => {
      daemon.env = { BERTH_FAILPOINTS: `${name}=kill:${time}` };
      let ended: unknown;
      try {
        await daemon.start();
        await workOnEverything(daemon.address, scope, reference, `r${round++}`);
      } catch (thrown) {
        ended = thrown;
      }
      const how = await daemon.ended(60_000);
      expect([name, how, ended !== undefined]).toEqual([name, 'SIGKILL', true]);
      expect(await checked()).toMatch(/^0\n/);
      await again(`${name} ${time}`);
    }, 120_000);
  }
}

for (const name of all || chosen !== undefined ? tried : tried.slice(0, 1)) {
  test(`an error at ${name} is an error of a call: the daemon lives, and nothing is lost`, async () => {
    daemon.env = { BERTH_FAILPOINTS: `${name}=error:${times[name]?.[0] ?? 1}` };
    // Some errors end a start, some a call, and some only put off what nobody waits for.
    await daemon.start().catch(() => undefined);
    await workOnEverything(daemon.address, scope, reference, `r${round++}`).catch(() => undefined);
    expect(await daemon.ended(0)).not.toBe('SIGKILL');
    await daemon.kill();
    expect(await checked()).toMatch(/^0\n/);
    await again(`error at ${name}`);
  }, 120_000);
}
