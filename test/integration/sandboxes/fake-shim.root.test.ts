import { expect, test } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import type { ShimScript } from '#test/support/fake-shim';
import { processesNaming } from '#test/support/nothing-left';
import { noOptions, SandboxRig, sandboxRecord } from '#test/support/sandbox-rig';

const scope = scopeOf('fake');
const fakeShim = new URL('../../support/fake-shim.ts', import.meta.url).pathname;
const account = { wait: 'keeps account' } as const;

/** The controller with shims that do what a script says. */
async function scripted(first: ShimScript) {
  const rig = await SandboxRig.open();
  const [binary, file] = [join(rig.directory, 'shim'), join(rig.directory, 'script.json')];
  writeFileSync(binary, `#!/bin/sh\nexec ${process.execPath} ${fakeShim} ${file} "$@"\n`);
  chmodSync(binary, 0o755);
  const script = (next: ShimScript) => writeFileSync(file, JSON.stringify(next));
  script(first);
  const create = () => rig.store.create(scope, sandboxRecord('box', binary), noOptions);
  const shims = () => processesNaming(file, process.pid);
  return { rig, script, create, shims, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

test('a shim that is no sandbox is refused, and ended', async () => {
  await using made = await scripted({});
  expect(await faultOf(made.create())).toBe('not_implemented');
  expect(made.shims()).toEqual([]);
  expect(made.rig.bundles()).toEqual([]);
  expect(made.rig.told).toEqual([]);
});

for (const how of ['hang', 'fail', 'die', 'garbage'] as const) {
  test(`a creation that does not come about (${how}) leaves nothing`, async () => {
    await using made = await scripted({ sandbox: account, calls: { CreateSandbox: how } });
    expect(await faultOf(made.create())).not.toBe('none');
    expect(made.shims()).toEqual([]);
    expect(made.rig.bundles()).toEqual([]);
    expect(made.rig.told).toEqual([]);
  }, 120_000);
}

test('a sandbox that does not start is taken away', async () => {
  await using made = await scripted({ sandbox: account, calls: { StartSandbox: 'fail' } });
  await made.create();
  expect(await faultOf(made.rig.store.start(scope, 'box'))).toBe('failed_precondition');
  expect(await faultOf(made.rig.store.wait(scope, 'box'))).toBe('not_found');
  expect(made.rig.told).toEqual(['create box', 'exit box 0']);
});

test('one that ends by itself is told of once, and stays until it is shut down', async () => {
  await using made = await scripted({ sandbox: { wait: 'ends' } });
  await made.create();
  await made.rig.store.start(scope, 'box');
  const exit = await made.rig.store.wait(scope, 'box');
  expect(exit.exitStatus).toBe(3);
  expect(await made.rig.store.status(scope, 'box', 'brief')).toMatchObject({ state: 'FAKE', exitedAt: exit.exitedAt });
  await made.rig.reopen();
  expect(await made.rig.store.wait(scope, 'box')).toEqual(exit);
  await made.rig.store.stop(scope, 'box');
  await made.rig.store.shutdown(scope, 'box');
  expect(made.rig.told).toEqual(['create box', 'start box', 'exit box 3']);
});

test('one that keeps no account of its end has ended when it was stopped, and not before', async () => {
  await using made = await scripted({ sandbox: { wait: 'silent' } });
  await made.create();
  await made.rig.store.start(scope, 'box');
  let over = false;
  const wait = made.rig.store.wait(scope, 'box').finally(() => {
    over = true;
  });
  await Bun.sleep(100);
  expect(over).toBe(false);
  expect(made.rig.told).toEqual(['create box', 'start box']);
  await made.rig.store.stop(scope, 'box');
  expect((await wait).exitStatus).toBe(0);
  await made.rig.store.shutdown(scope, 'box');
  expect(made.rig.told).toEqual(['create box', 'start box', 'exit box 0']);
});

test('a shim that stays after its shutdown, or does not answer to it, is killed', async () => {
  const scripts: ShimScript[] = [
    { sandbox: { ...account, stays: true } },
    { sandbox: account, calls: { ShutdownSandbox: 'hang' } },
    { sandbox: account, calls: { ShutdownSandbox: 'freeze' } },
    { sandbox: account, calls: { ShutdownSandbox: 'not found' } },
  ];
  for (const script of scripts) {
    await using made = await scripted(script);
    await made.create();
    await made.rig.store.start(scope, 'box');
    await made.rig.store.shutdown(scope, 'box');
    expect(made.shims()).toEqual([]);
    expect(made.rig.told).toEqual(['create box', 'start box', 'exit box 0']);
  }
}, 120_000);

test('a shim that refuses its shutdown keeps its sandbox', async () => {
  await using made = await scripted({ sandbox: account, calls: { ShutdownSandbox: 'fail' } });
  await made.create();
  await made.rig.store.start(scope, 'box');
  expect(await faultOf(made.rig.store.shutdown(scope, 'box'))).toBe('failed_precondition');
  expect((await made.rig.store.status(scope, 'box', 'brief')).state).toBe('FAKE');
  expect(made.rig.told).toEqual(['create box', 'start box']);
  made.script({ sandbox: account });
  await made.rig.store.shutdown(scope, 'box');
  expect(made.rig.told.at(-1)).toBe('exit box 0');
});

test('a stop of one that is gone is success; of one that hangs or refuses it is not', async () => {
  await using made = await scripted({ sandbox: account });
  await made.create();
  await made.rig.store.start(scope, 'box');
  for (const [how, fault] of [
    ['not found', 'none'],
    ['fail', 'failed_precondition'],
    ['hang', 'deadline_exceeded'],
  ] as const) {
    made.script({ sandbox: account, calls: { StopSandbox: how } });
    expect(await faultOf(made.rig.store.stop(scope, 'box'))).toBe(fault);
  }
  made.script({ sandbox: account, calls: { StopSandbox: 'die' } });
  const wait = made.rig.store.wait(scope, 'box');
  expect(await faultOf(made.rig.store.stop(scope, 'box'))).toBe('none');
  expect((await wait).exitStatus).toBe(137);
  while (made.rig.bundles().length > 0) await Bun.sleep(10);
  expect(made.rig.told).toEqual(['create box', 'start box', 'exit box 137']);
}, 120_000);

test('a shim that hangs delays nobody, and keeps its sandbox over a restart', async () => {
  await using made = await scripted({ sandbox: account });
  await made.create();
  await made.rig.store.start(scope, 'box');
  made.script({ sandbox: account, calls: { SandboxStatus: 'hang', PingSandbox: 'hang' } });
  expect(await faultOf(made.rig.store.status(scope, 'box', 'brief'))).toBe('deadline_exceeded');
  await made.rig.reopen();
  made.script({ sandbox: account });
  expect((await made.rig.store.status(scope, 'box', 'brief')).state).toBe('FAKE');
  await made.rig.store.shutdown(scope, 'box');
  expect(made.rig.told).toEqual(['create box', 'start box', 'exit box 0']);
}, 120_000);
