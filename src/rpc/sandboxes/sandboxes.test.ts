import { expect, test } from 'bun:test';
import { Controller } from '#api/services/sandbox/v1/sandbox_pb';
import type { Any } from '#base/any';
import type { SandboxController } from '#core/sandboxes/controller';
import { sandboxControllerSuite } from '#core/sandboxes/controller.suite';
import { memorySandboxes } from '#core/sandboxes/memory';
import { memorySandboxController } from '#core/sandboxes/memory-controller';
import { sandboxStoreSuite } from '#core/sandboxes/sandboxes.suite';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { clientOf, withScope } from '../grpc-client.ts';
import { inProcess, overTheWire } from '../in-process.ts';
import { remoteSandboxController } from './controller-client.ts';
import { serveSandboxControllers } from './controller-server.ts';
import { announced, SandboxEvents } from './events.ts';
import { remoteSandboxStore } from './store-client.ts';
import { serveSandboxStore } from './store-server.ts';

const scope = scopeOf('default');
const one = (controller: SandboxController) => serveSandboxControllers(new Map([['shim', controller]]));

sandboxStoreSuite('over the wire', () => overTheWire(serveSandboxStore(memorySandboxes()), remoteSandboxStore));
sandboxControllerSuite('over the wire', () =>
  overTheWire(one(memorySandboxController()), (transport) => remoteSandboxController(transport, 'shim')),
);

test('every call must name a controller that there is', async () => {
  await using server = await inProcess([one(memorySandboxController())]);
  const client = clientOf(Controller, server.transport);
  const methods = ['create', 'start', 'platform', 'stop', 'wait', 'status', 'shutdown', 'metrics', 'update'] as const;
  for (const method of methods) {
    const call = (sandboxer: string) => client[method]({ sandboxId: 'x', sandboxer }, withScope(scope));
    expect(await faultOf(call(''))).toBe('invalid_argument');
    expect(await faultOf(call('other'))).toBe('not_found');
  }
});

test('all that a sandbox is made of arrives, and where its tasks are served comes back', async () => {
  const made: unknown[] = [];
  const endpoint = { address: 'ttrpc+unix:///run/s', version: 3 };
  const controller: SandboxController = {
    ...memorySandboxController(endpoint),
    create: async (_, sandbox, options) => void made.push(sandbox, options),
    start: async () => ({ pid: 7, labels: { l: '1' }, endpoint }),
    status: async (_, id, detail) => ({ id, pid: 7, state: detail, info: { i: '2' }, endpoint }),
  };
  await using server = await inProcess([one(controller)]);
  const remote = remoteSandboxController(server.transport, 'shim');
  const any = (typeUrl: string): Any => ({ typeUrl, value: Buffer.from(typeUrl) });
  const sandbox = {
    ...{ id: 'x', labels: { a: 'b' }, runtime: { name: 'r', options: any('o') }, spec: any('s'), sandboxer: 'shim' },
    extensions: { e: any('e') },
  };
  const rootfs = [{ type: 'bind', source: '/a', target: '', options: ['ro'] }];
  await remote.create(scope, sandbox, {
    rootfs,
    options: any('p'),
    netnsPath: '/run/netns/n',
    annotations: { k: 'v' },
  });
  expect(made).toEqual([sandbox, { rootfs, options: any('p'), netnsPath: '/run/netns/n', annotations: { k: 'v' } }]);
  expect(await remote.start(scope, 'x')).toEqual({ pid: 7, labels: { l: '1' }, endpoint });
  expect(await remote.status(scope, 'x', 'verbose')).toEqual({
    id: 'x',
    pid: 7,
    state: 'verbose',
    info: { i: '2' },
    endpoint,
  });
});

test('a request with no more than an id makes a sandbox of that id; two ids are refused', async () => {
  const made: string[] = [];
  const controller = {
    ...memorySandboxController(),
    create: async (_: unknown, { id }: { readonly id: string }) => void made.push(id),
  };
  await using server = await inProcess([one(controller)]);
  const client = clientOf(Controller, server.transport);
  const create = (sandboxId: string, inside?: string) =>
    client.create(
      { sandboxId, sandboxer: 'shim', ...(inside !== undefined && { sandbox: { sandboxId: inside } }) },
      withScope(scope),
    );
  expect((await create('a')).sandboxId).toBe('a');
  expect((await create('', 'b')).sandboxId).toBe('b');
  expect((await create('c', '')).sandboxId).toBe('c');
  expect(await faultOf(create('d', 'e'))).toBe('invalid_argument');
  expect(made).toEqual(['a', 'b', 'c']);
});

test('of a sandbox in another process each of creation, start and end is told once', async () => {
  const told: string[] = [];
  const events = new SandboxEvents({ publish: async (namespace, topic) => void told.push(`${namespace} ${topic}`) });
  const controller = announced(memorySandboxController(), events);
  const sandbox = { id: 'x', labels: {}, runtime: { name: 'r' }, sandboxer: 's', extensions: {} };
  for (let round = 0; round < 2; round++) {
    await controller.create(scope, sandbox, { rootfs: [], netnsPath: '', annotations: {} });
    await controller.start(scope, 'x');
    const waits = [controller.wait(scope, 'x'), controller.wait(scope, 'x')];
    if (round === 0) await controller.stop(scope, 'x');
    await controller.shutdown(scope, 'x');
    await Promise.all(waits);
    const once = ['create', 'start', 'exit'].map((what) => `default /sandboxes/${what}`);
    expect(told.splice(0)).toEqual(once);
  }
  expect(await faultOf(controller.start(scope, 'x'))).toBe('not_found');
  expect(told).toEqual([]);
});
