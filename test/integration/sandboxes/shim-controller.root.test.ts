import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxControllerSuite } from '#core/sandboxes/controller.suite';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { noOptions, SandboxRig, sandboxRecord } from '#test/support/sandbox-rig';

const scope = scopeOf('sandboxes');
const runc = 'io.containerd.runc.v2';

sandboxControllerSuite('under our shim', () => SandboxRig.open());

/** A sandbox that runs. */
async function started(rig: SandboxRig, id: string): Promise<void> {
  await rig.store.create(scope, sandboxRecord(id, runc), noOptions);
  await rig.store.start(scope, id);
}

test('creation, start and end are told once each, whatever is asked how often', async () => {
  await using rig = await SandboxRig.open();
  await started(rig, 'box');
  await Promise.all([rig.store.start(scope, 'box'), rig.store.start(scope, 'box')]);
  const waits = [1, 2, 3].map(() => rig.store.wait(scope, 'box'));
  await rig.store.stop(scope, 'box', 0xffff_ffff);
  await rig.store.stop(scope, 'box');
  await Promise.all(waits);
  await rig.store.wait(scope, 'box');
  await Promise.allSettled([rig.store.shutdown(scope, 'box'), rig.store.shutdown(scope, 'box')]);
  expect(rig.told).toEqual(['create box', 'start box', 'exit box 0']);
});

test('one that was never started ends, too', async () => {
  await using rig = await SandboxRig.open();
  await rig.store.create(scope, sandboxRecord('box', runc), noOptions);
  await rig.store.shutdown(scope, 'box');
  expect(rig.told).toEqual(['create box', 'exit box 0']);
});

test('a shim that dies takes its sandbox with it, and the id is free', async () => {
  await using rig = await SandboxRig.open();
  await started(rig, 'box');
  const wait = rig.store.wait(scope, 'box');
  process.kill(rig.shimPid('sandboxes', 'box'), 'SIGKILL');
  expect((await wait).exitStatus).not.toBe(0);
  while (rig.bundles().length > 0) await Bun.sleep(10);
  expect((await rig.store.status(scope, 'box', 'brief')).state).toBe('');
  await started(rig, 'box');
  await rig.store.shutdown(scope, 'box');
  expect(rig.told.filter((line) => line.startsWith('exit'))).toEqual(['exit box 137', 'exit box 0']);
});

test('a daemon that ends leaves sandboxes running, and the next one has them as they were', async () => {
  await using rig = await SandboxRig.open();
  for (const id of ['running', 'ended']) await started(rig, id);
  await rig.store.create(scope, sandboxRecord('created', runc), noOptions);
  await rig.store.stop(scope, 'ended');
  const exit = await rig.store.wait(scope, 'ended');
  const before = await rig.store.status(scope, 'running', 'brief');
  const told = [...rig.told];
  await rig.reopen();
  expect(await rig.store.status(scope, 'running', 'brief')).toEqual(before);
  expect(await rig.store.wait(scope, 'ended')).toEqual(exit);
  expect(rig.told).toEqual(told);
  const wait = rig.store.wait(scope, 'running');
  await rig.store.stop(scope, 'running');
  expect((await wait).exitStatus).toBe(0);
  expect((await rig.store.start(scope, 'created')).createdAt).toBeDefined();
  expect(await faultOf(rig.store.start(scope, 'ended'))).toBe('failed_precondition');
  for (const id of ['running', 'ended', 'created']) await rig.store.shutdown(scope, id);
  const ends = rig.told.filter((line) => line.startsWith('exit')).sort();
  expect(ends).toEqual(['exit created 0', 'exit ended 0', 'exit running 0']);
});

test('what died while no daemon looked is buried by the next one, and told once', async () => {
  await using rig = await SandboxRig.open();
  for (const id of ['died', 'ended-and-died']) await started(rig, id);
  await rig.store.stop(scope, 'ended-and-died');
  await rig.store.wait(scope, 'ended-and-died');
  const pids = ['died', 'ended-and-died'].map((id) => rig.shimPid('sandboxes', id));
  await rig.close();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  while (pids.some((pid) => existsSync(`/proc/${pid}/exe`))) await Bun.sleep(5);
  await rig.reopen();
  expect(rig.bundles()).toEqual([]);
  await rig.reopen();
  const ends = rig.told.filter((line) => line.startsWith('exit')).sort();
  expect(ends).toEqual(['exit died 137', 'exit ended-and-died 0']);
});

test('what a creation that was cut short has left is removed, and nobody is told of it', async () => {
  await using rig = await SandboxRig.open();
  await rig.store.create(scope, sandboxRecord('half', runc), noOptions);
  rig.told.length = 0;
  await rig.close();
  rmSync(join(rig.bundle('sandboxes', 'half'), 'created'));
  for (const [id, file] of [
    ['empty', undefined],
    ['bare', 'config.json'],
    ['.removed', 'x'],
  ] as const) {
    mkdirSync(rig.bundle('sandboxes', id), { recursive: true });
    if (file !== undefined) writeFileSync(join(rig.bundle('sandboxes', id), file), '{}');
  }
  await rig.reopen();
  expect(rig.bundles()).toEqual([]);
  expect(rig.told).toEqual([]);
  expect(await faultOf(rig.store.start(scope, 'half'))).toBe('not_found');
});

test('a sandbox that cannot be made leaves nothing', async () => {
  await using rig = await SandboxRig.open();
  const attempts = {
    '': 'invalid_argument',
    'io.containerd.none.v1': 'not_found',
    '/no/such/shim': 'not_found',
    '/bin/false': 'unknown',
  };
  for (const [runtime, fault] of Object.entries(attempts)) {
    expect(await faultOf(rig.store.create(scope, sandboxRecord('box', runtime), noOptions))).toBe(fault as 'unknown');
    expect(rig.bundles()).toEqual([]);
  }
  expect(rig.told).toEqual([]);
  await started(rig, 'box');
  await rig.store.shutdown(scope, 'box');
});
