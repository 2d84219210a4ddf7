import { expect, test } from 'bun:test';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '#base/errors';
import { faultOf } from '#core/subject';
import type { ShimScript } from '#test/support/fake-shim';
import { FakeShimRig } from '#test/support/fake-shim-rig';

const sigkill = { execId: '', signal: 9, all: false };

async function eventually(holds: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<boolean> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await wait(10)) if (await holds()) return true;
  return holds();
}

async function timed<T>(work: Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const begin = performance.now();
  const result = await work;
  return { result, ms: performance.now() - begin };
}

const said = (work: Promise<unknown>): Promise<string> => work.then(() => 'nothing', messageOf);

for (const start of ['plain', 'json', 'json3', 'proto'] as const)
  test(`a shim whose start prints its address as ${start} runs a container from its beginning to its end`, async () => {
    await using rig = await FakeShimRig.start({ start });
    const { pid } = await rig.create('c1');
    expect(pid).toBe(rig.shimPid('c1'));
    await rig.runtime.start(rig.scope, 'c1', '');
    expect(await rig.runtime.state(rig.scope, 'c1', '')).toMatchObject({ pid, status: 'running' });
    expect(await faultOf(rig.create('c1'))).toBe('already_exists');
    expect(await faultOf(rig.runtime.delete(rig.scope, 'c1'))).toBe('failed_precondition');
    await rig.runtime.kill(rig.scope, 'c1', sigkill);
    expect(await rig.runtime.delete(rig.scope, 'c1')).toMatchObject({ id: 'c1', exitStatus: 9 });
    expect(await faultOf(rig.runtime.state(rig.scope, 'c1', ''))).toBe('not_found');
    expect([rig.exits, await rig.leftovers()]).toEqual([['c1'], []]);
  }, 120_000);

const startFailures: readonly [NonNullable<ShimScript['start']>, RegExp][] = [
  ['garbage', /printed no address: "\\b/],
  ['much', /printed no address: "x{512}"/],
  ['nothing', /printed no address: ""/],
  ['die', /no shim today/],
  ['wrong address', /nobody\/listens\/here/],
  ['noise', /deadline exceeded/], // its first bytes announce a message that never comes
  ['hang', /deadline exceeded/],
];
for (const [start, words] of startFailures)
  test(`start: ${start}: an error that says so, in time, and nothing stays`, async () => {
    await using rig = await FakeShimRig.start({ start });
    const { ms, result } = await timed(said(rig.create('c1')));
    expect(result).toMatch(words);
    // The limit of a start and the clean-up's; those that do not hang need neither.
    const { start: limit, cleanup } = rig.limits;
    expect(ms).toBeLessThan(start === 'hang' || start === 'noise' ? 2 * (limit + cleanup) : limit);
    expect([rig.exits, await rig.leftovers()]).toEqual([[], []]);
    // The name is free.
    rig.script({});
    await rig.create('c1');
    await rig.runtime.kill(rig.scope, 'c1', sigkill);
    await rig.runtime.delete(rig.scope, 'c1');
    expect(await rig.leftovers()).toEqual([]);
  }, 120_000);

for (const how of ['die', 'fail', 'garbage', 'freeze', 'hang'] as const)
  test(`Create: ${how}: the task is not made and nothing stays`, async () => {
    await using rig = await FakeShimRig.start({ calls: { Create: how } });
    expect(await faultOf(rig.create('c1'))).not.toBe('none');
    expect([rig.exits, await rig.leftovers()]).toEqual([[], []]);
  }, 120_000);

test('a caller that gives up during Create leaves nothing', async () => {
  await using rig = await FakeShimRig.start({ calls: { Create: 'hang' } });
  const patience = new AbortController();
  const making = rig.runtime.create({ ...rig.scope, signal: patience.signal }, 'c1', {
    runtime: join(rig.directory, 'shim'),
    spec: { typeUrl: 'a/Spec', value: new TextEncoder().encode('{}') },
    rootfs: [],
    stdin: '',
    stdout: '',
    stderr: '',
    terminal: false,
  });
  expect(await eventually(() => rig.calls.includes('serve c1'))).toBe(true);
  await wait(200);
  patience.abort();
  expect(await faultOf(making)).toBe('canceled');
  expect(await rig.leftovers()).toEqual([]);
}, 120_000);

test('a shim that hangs or talks nonsense in one call holds up nothing else', async () => {
  await using rig = await FakeShimRig.start();
  await rig.create('c1');
  const { runtime, scope } = rig;
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    Start: () => runtime.start(scope, 'c1', ''),
    State: () => runtime.state(scope, 'c1', ''),
    Pids: () => runtime.pids(scope, 'c1'),
    Pause: () => runtime.pause(scope, 'c1'),
    Exec: () =>
      runtime.exec(scope, 'c1', {
        execId: 'e',
        spec: { typeUrl: 'a', value: new Uint8Array() },
        stdin: '',
        stdout: '',
        stderr: '',
        terminal: false,
      }),
    Stats: () => runtime.stats(scope, 'c1'),
    Delete: () => runtime.deleteProcess(scope, 'c1', 'e'),
  };
  for (const [name, call] of Object.entries(calls)) {
    rig.script({ calls: { [name]: 'hang' } });
    const { ms, result } = await timed(faultOf(call()));
    // No shim has to know Stats: it is the method that this one does not have.
    expect([name, result]).toEqual([name, name === 'Stats' ? 'not_implemented' : 'deadline_exceeded']);
    expect(ms).toBeLessThan(3 * rig.limits.call);
    rig.script({ calls: { [name]: 'garbage' } });
    if (!['Stats', 'Pause'].includes(name)) expect([name, await faultOf(call())]).not.toEqual([name, 'none']);
  }
  rig.script({ calls: { State: 'hang' } });
  expect((await timed(runtime.list(scope))).result).toEqual([]);
  rig.script({});
  expect(await runtime.list(scope)).toHaveLength(1);
  await runtime.kill(scope, 'c1', sigkill);
  await runtime.delete(scope, 'c1');
  expect([rig.exits, await rig.leftovers()]).toEqual([['c1'], []]);
}, 120_000);

for (const method of ['Start', 'State', 'Kill', 'Delete'] as const)
  test(`a shim that dies in ${method} is buried with one exit event`, async () => {
    await using rig = await FakeShimRig.start({ calls: { [method]: 'die' } });
    await rig.create('c1');
    const calls = {
      Start: () => rig.runtime.start(rig.scope, 'c1', ''),
      State: () => rig.runtime.state(rig.scope, 'c1', ''),
      Kill: () => rig.runtime.kill(rig.scope, 'c1', sigkill),
      Delete: () => rig.runtime.delete(rig.scope, 'c1'),
    };
    const fault = await faultOf(calls[method]());
    // A delete gets what it wanted, from the shim's clean-up.
    expect(fault === 'none').toBe(method === 'Delete');
    expect(await eventually(() => rig.exits.length > 0)).toBe(true);
    expect(await rig.leftovers()).toEqual([]);
    expect(rig.calls.filter((line) => line === 'delete c1')).toHaveLength(1);
    expect(rig.exits).toEqual(['c1']);
  }, 120_000);

test('a shim that told of the end and died before it answered is not told of twice', async () => {
  await using rig = await FakeShimRig.start({ calls: { Kill: 'told and dead' } });
  await rig.create('c1');
  await faultOf(rig.runtime.kill(rig.scope, 'c1', sigkill));
  expect(await rig.leftovers()).toEqual([]);
  await wait(200);
  expect(rig.exits).toEqual(['c1']);
}, 120_000);

for (const how of ['hang', 'die', 'garbage'] as const)
  test(`delete of a dead shim: ${how}: the exit is told as unknown all the same`, async () => {
    await using rig = await FakeShimRig.start({ delete: how });
    await rig.create('c1');
    process.kill(rig.shimPid('c1'), 'SIGKILL');
    expect(await eventually(() => rig.exits.length > 0)).toBe(true);
    expect([rig.exits, await rig.leftovers()]).toEqual([['c1'], []]);
  }, 120_000);

test('a kill of a shim that hangs ends the shim; a delete of one does, too', async () => {
  await using rig = await FakeShimRig.start();
  await rig.create('c1');
  await rig.create('c2');
  rig.script({ calls: { Kill: 'hang', Delete: 'hang', Connect: 'hang' } });
  await rig.runtime.kill(rig.scope, 'c1', sigkill);
  expect(await rig.runtime.delete(rig.scope, 'c2')).toMatchObject({ exitStatus: 137, pid: 77 });
  expect(await rig.leftovers()).toEqual([]);
  expect(rig.exits.toSorted()).toEqual(['c1', 'c2']);
}, 120_000);

test('two deletes at once: one exit, one not found, and the shim ends by itself', async () => {
  await using rig = await FakeShimRig.start();
  await rig.create('c1');
  await rig.runtime.kill(rig.scope, 'c1', sigkill);
  const results = await Promise.all([1, 2, 3].map(() => faultOf(rig.runtime.delete(rig.scope, 'c1'))));
  expect(results.filter((one) => one === 'none').length).toBeGreaterThan(0);
  expect(results.every((one) => one === 'none' || one === 'not_found')).toBe(true);
  expect([rig.exits, await rig.leftovers()]).toEqual([['c1'], []]);
  expect(rig.calls).not.toContain('delete c1');
}, 120_000);

test('a shim that has no such task any more lets the task go, and lives if it likes', async () => {
  await using rig = await FakeShimRig.start({ calls: { Delete: 'not found' } });
  await rig.create('c1');
  expect(await rig.runtime.delete(rig.scope, 'c1')).toMatchObject({ id: 'c1', exitStatus: 255 });
  expect([rig.exits, await rig.leftovers()]).toEqual([['c1'], []]);
  expect(rig.calls).not.toContain('delete c1');
}, 120_000);

test('a start gets the options as bytes or inside the newer message, as its version says', async () => {
  await using rig = await FakeShimRig.start({ version: '1.6.20' });
  const options = { typeUrl: 'some.Options', value: new TextEncoder().encode('the options') };
  const end = async () => {
    await rig.runtime.kill(rig.scope, 'c1', sigkill);
    await rig.runtime.delete(rig.scope, 'c1');
  };
  await rig.create('c1', options);
  expect(Buffer.from(rig.input).subarray(2, 14).toString()).toBe('some.Options');
  await end();
  await using newer = await FakeShimRig.start({ version: '2.3.1' });
  await newer.create('c1', options);
  expect(Buffer.from(newer.input).toString()).toContain('c1');
  expect(Buffer.from(newer.input).toString()).toContain('the options');
  await newer.runtime.kill(newer.scope, 'c1', sigkill);
  await newer.runtime.delete(newer.scope, 'c1');
}, 120_000);

test('all shims are taken back at once: one that hangs costs the load time-out, once', async () => {
  await using rig = await FakeShimRig.start();
  for (const id of ['c1', 'c2', 'c3']) await rig.create(id);
  await rig.close();
  rig.script({ calls: { Connect: 'hang', Pids: 'hang' } });
  const { ms } = await timed(rig.reopen());
  expect(ms).toBeGreaterThan(0.8 * rig.limits.load);
  expect(ms).toBeLessThan(2.5 * rig.limits.load); // one after the other they would cost it three times
  rig.script({});
  expect((await rig.runtime.list(rig.scope)).map(({ id }) => id).toSorted()).toEqual(['c1', 'c2', 'c3']);
  for (const id of ['c1', 'c2', 'c3']) {
    await rig.runtime.kill(rig.scope, id, sigkill);
    await rig.runtime.delete(rig.scope, id);
  }
  expect([rig.exits.toSorted(), await rig.leftovers()]).toEqual([['c1', 'c2', 'c3'], []]);
}, 120_000);

for (const noted of [true, false])
  test(`a shim that was stopped while the daemon was away is ended by a kill though it never spoke, its process noted: ${noted}`, async () => {
    await using rig = await FakeShimRig.start();
    await rig.create('c1');
    const note = join(rig.bundle('c1'), 'shim.pid');
    expect(await eventually(() => existsSync(note))).toBe(true);
    await rig.close();
    if (!noted) rmSync(note); // as a daemon leaves it that dies right after the creation
    process.kill(rig.shimPid('c1'), 'SIGSTOP');
    await rig.reopen();
    await rig.runtime.kill(rig.scope, 'c1', sigkill);
    expect(await eventually(() => rig.exits.length > 0)).toBe(true);
    expect([rig.exits, await rig.leftovers()]).toEqual([['c1'], []]);
  }, 120_000);

test('a shim that died while the daemon was away is buried at the next start, its end told once', async () => {
  await using rig = await FakeShimRig.start();
  await rig.create('c1');
  await rig.create('c2');
  await rig.runtime.kill(rig.scope, 'c2', sigkill); // its end is told before it dies
  expect(await eventually(() => existsSync(join(rig.bundle('c2'), 'exited')))).toBe(true);
  await rig.close();
  for (const id of ['c1', 'c2']) process.kill(rig.shimPid(id), 'SIGKILL');
  await rig.reopen();
  expect(await rig.runtime.list(rig.scope)).toEqual([]);
  expect(await rig.leftovers()).toEqual([]);
  expect(rig.exits.toSorted()).toEqual(['c1', 'c2']);
}, 120_000);

test('a daemon that died between the start of a shim and its task leaves a shim that the next one ends', async () => {
  await using rig = await FakeShimRig.start();
  await rig.create('c1');
  await rig.close();
  rig.script({ calls: { Connect: 'not found' } });
  await rig.reopen();
  expect([await rig.runtime.list(rig.scope), await rig.leftovers()]).toEqual([[], []]);
  // And before the address was written down:
  rig.script({});
  await rig.create('c2');
  await rig.close();
  rmSync(join(rig.bundle('c2'), 'bootstrap.json'));
  expect(readFileSync(join(rig.bundle('c2'), 'shim-binary-path'), 'utf8')).toBe(join(rig.directory, 'shim'));
  await rig.reopen();
  expect([await rig.runtime.list(rig.scope), await rig.leftovers()]).toEqual([[], []]);
}, 120_000);

test('a late word of the end of an earlier container of the same name is not taken for this one', async () => {
  await using rig = await FakeShimRig.start();
  await rig.create('c1');
  await rig.tellExit('c1', 1);
  process.kill(rig.shimPid('c1'), 'SIGKILL');
  expect(await eventually(() => rig.exits.length === 2)).toBe(true);
  expect([await rig.leftovers(), rig.exits]).toEqual([[], ['c1', 'c1']]);
}, 120_000);
