import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import { PingRequestSchema, Sandbox } from '#api/runtime/sandbox/v1/sandbox_pb';
import { faultOf } from '#core/subject';
import { connectTtrpc } from '#lib/ttrpc/client';
import { Rig, Shim, tasks } from './rig.ts';

const box = Sandbox.method;
const sandboxId = 'box';

/** A shim that is a sandbox, started. */
async function sandbox(): Promise<AsyncDisposable & { readonly rig: Rig; readonly shim: Shim }> {
  const rig = new Rig();
  await rig.listen();
  const shim = await rig.start(sandboxId);
  await shim.call(box.createSandbox, { sandboxId, bundlePath: rig.bundle(sandboxId) });
  await shim.call(box.startSandbox, { sandboxId });
  return { rig, shim, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

/** Any method, with nothing but the sandbox's id. */
const ask = (shim: Shim, method: string, id: string) =>
  shim.client.call(Sandbox.typeName, method, toBinary(PingRequestSchema, create(PingRequestSchema, { sandboxId: id })));

/** A container that runs in the sandbox. */
async function inside(
  { rig, shim }: { readonly rig: Rig; readonly shim: Shim },
  id: string,
  hostPids = false,
): Promise<Shim> {
  rig.writeBundle(id, { args: ['sh', '-c', 'sleep 1000 & sleep 1000'], hostPids });
  const container = new Shim(rig, shim.client, shim.address, id);
  await container.create();
  await container.call(tasks.start, { id });
  return container;
}

test('a sandbox is ready from its start to its stop, and tells when it was what', async () => {
  await using made = await sandbox();
  const { shim } = made;
  const running = await shim.call(box.sandboxStatus, { sandboxId, verbose: true });
  expect(running).toMatchObject({ sandboxId, pid: 0, state: 'SANDBOX_READY', info: { containers: '0' } });
  expect(running.exitedAt).toBeUndefined();
  expect(running.info.shim_pid).toBe(String(await shim.pid()));
  expect((await shim.call(box.platform, { sandboxId })).platform).toMatchObject({ os: 'linux', architecture: 'amd64' });
  expect((await shim.call(box.sandboxMetrics, { sandboxId })).metrics?.id).toBe(sandboxId);
  await shim.call(box.pingSandbox, { sandboxId });
  const waits = [shim.call(box.waitSandbox, { sandboxId }), shim.call(box.waitSandbox, { sandboxId })];
  await shim.call(box.stopSandbox, { sandboxId });
  const [first, second] = await Promise.all(waits);
  expect(first?.exitedAt?.seconds).toBeGreaterThan(1_600_000_000n);
  expect(second).toEqual(first as NonNullable<typeof first>);
  const stopped = await shim.call(box.sandboxStatus, { sandboxId });
  expect(stopped).toMatchObject({ state: 'SANDBOX_NOTREADY', info: {} });
  expect(stopped.createdAt).toEqual(running.createdAt as NonNullable<typeof running.createdAt>);
  expect(stopped.exitedAt).toEqual(first?.exitedAt as NonNullable<typeof stopped.exitedAt>);
  expect(await shim.call(box.waitSandbox, { sandboxId })).toEqual(first as NonNullable<typeof first>);
  await shim.call(box.stopSandbox, { sandboxId });
  await shim.call(box.shutdownSandbox, { sandboxId });
  await shim.client.closed;
}, 120_000);

test('a shim is no sandbox until it is made one, and then one only', async () => {
  await using rig = new Rig();
  await rig.listen();
  const shim = await rig.start(sandboxId);
  const asked = Object.values(box).flatMap(({ name }) => (name === 'CreateSandbox' ? [] : [name]));
  for (const name of asked) await expect(ask(shim, name, sandboxId)).rejects.toThrow('sandbox box: not found');
  await expect(shim.call(box.createSandbox, { sandboxId: '' })).rejects.toThrow('invalid argument');
  await shim.call(box.createSandbox, { sandboxId });
  expect((await shim.call(box.sandboxStatus, { sandboxId })).state).toBe('SANDBOX_NOTREADY');
  await expect(shim.call(box.createSandbox, { sandboxId: 'other' })).rejects.toThrow('already exists');
  for (const name of asked) await expect(ask(shim, name, 'other')).rejects.toThrow('sandbox other: not found');
  // Daemons take down what does not start: that it was asked twice must not be the reason.
  await shim.call(box.startSandbox, { sandboxId });
  await shim.call(box.startSandbox, { sandboxId });
  await shim.call(box.stopSandbox, { sandboxId });
  await expect(shim.call(box.startSandbox, { sandboxId })).rejects.toThrow('is stopped: failed precondition');
}, 120_000);

test('a stop ends what runs in the sandbox, and nothing starts in it afterwards', async () => {
  await using made = await sandbox();
  const { rig, shim } = made;
  const containers = [await inside(made, 'c1'), await inside(made, 'c2', true)];
  await containers[0]?.call(tasks.pause, { id: 'c1' });
  rig.writeBundle('c3');
  const created = new Shim(rig, shim.client, shim.address, 'c3');
  await created.create();
  expect((await shim.call(box.sandboxStatus, { sandboxId, verbose: true })).info.containers).toBe('3');
  await shim.call(box.stopSandbox, { sandboxId, timeoutSecs: 20 });
  for (const container of [...containers, created]) expect(await container.exitOf()).toBe(137);
  const exits = () => rig.events.filter(({ topic }) => topic === '/tasks/exit').map(({ id }) => id);
  await rig.eventually('all events', () => exits().length === 3);
  expect(exits().sort()).toEqual(['c1', 'c2', 'c3']);
  rig.writeBundle('late');
  await expect(new Shim(rig, shim.client, shim.address, 'late').create()).rejects.toThrow('sandbox box is stopped');
  for (const { id } of [...containers, created]) await shim.call(tasks.delete, { id });
}, 120_000);

test('tasks come and go, and their shutdown is not the end of the sandbox', async () => {
  await using made = await sandbox();
  const { rig, shim } = made;
  const container = await inside(made, 'c1');
  await container.call(tasks.kill, { id: 'c1', signal: 9, all: true });
  await container.exitOf();
  await shim.call(tasks.delete, { id: 'c1' });
  await shim.call(tasks.shutdown, { id: 'c1', now: true });
  await shim.call(tasks.shutdown, { id: sandboxId });
  await shim.call(box.pingSandbox, { sandboxId });
  await inside(made, 'c2');
  await shim.call(box.shutdownSandbox, { sandboxId });
  await shim.client.closed;
  expect(rig.events.filter(({ topic }) => topic === '/tasks/exit').map(({ id, status }) => [id, status])).toEqual([
    ['c1', 137],
    ['c2', 137],
  ]);
  await rig.eventually('socket removed', () => !existsSync(shim.address.slice('unix://'.length)));
}, 120_000);

test('who waits and hangs up is forgotten', async () => {
  await using made = await sandbox();
  const { shim } = made;
  for (let round = 0; round < 20; round++) {
    const client = await connectTtrpc(shim.address);
    const other = new Shim(made.rig, client, shim.address, sandboxId);
    const waits = [1, 2, 3].map(() => faultOf(other.call(box.waitSandbox, { sandboxId })));
    await other.call(box.pingSandbox, { sandboxId });
    client.close();
    expect(await Promise.all(waits)).toEqual(['unavailable', 'unavailable', 'unavailable']);
  }
  const wait = shim.call(box.waitSandbox, { sandboxId });
  await shim.call(box.stopSandbox, { sandboxId });
  expect((await wait).exitStatus).toBe(0);
}, 120_000);

test('a malformed request is refused', async () => {
  await using made = await sandbox();
  for (const { name } of Object.values(box)) {
    for (const payload of [Buffer.from([0xff]), Buffer.from([0x08, 0x01]), Buffer.from([0x0a, 0x02, 0x61, 0x00])]) {
      await expect(made.shim.client.call(Sandbox.typeName, name, payload)).rejects.toThrow('invalid argument');
    }
  }
  await expect(made.shim.client.call(Sandbox.typeName, 'Nonsense', new Uint8Array())).rejects.toThrow(
    'method Nonsense',
  );
  await made.shim.call(box.pingSandbox, { sandboxId });
}, 120_000);
