import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { credentials, Client as Grpc, Metadata, type ServiceError } from '@grpc/grpc-js';
import { classOf, type ErrorClass } from '#base/errors';
import { type Client, openClient } from '#client/client';
import type { NewContainer } from '#core/containers/containers';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import type { Digest } from '#lib/digest';
import { checkStore, soundStore } from '#test/support/check-store';
import { startDaemon, type TestDaemon } from '#test/support/daemon';
import { leftBehind } from '#test/support/nothing-left';

setDefaultTimeout(120_000);
const scope = scopeOf('hostile');
const open = new AsyncDisposableStack();
let daemon: TestDaemon;
let client: Client;

beforeAll(async () => {
  daemon = open.use(await startDaemon({ built: true, parent: '/dev/shm' }));
  client = open.use(openClient(daemon.address));
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

const container = (id: string, specBytes = 2): NewContainer => ({
  id,
  labels: {},
  image: '',
  runtime: { name: 'io.containerd.runc.v2' },
  spec: { typeUrl: 'x', value: Buffer.alloc(specBytes, 0x20) },
  snapshotter: '',
  snapshotKey: '',
  extensions: {},
  sandboxId: '',
});

/** It answers everybody at once, and nothing is left of what was tried. */
async function expectWell(): Promise<void> {
  const begin = performance.now();
  await client.version(scope.signal);
  expect(performance.now() - begin).toBeLessThan(20_000);
  expect(await leftBehind(daemon, client, scope)).toEqual([]);
  // What was let go is removed a moment after the answer.
  for (let tries = 0; checkStore(daemon.root).doomed.length > 0 && tries < 2_000; tries++) await wait(25);
  expect(checkStore(daemon.root)).toEqual(soundStore);
}

const residentMb = () =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1]) / 1024;
const descriptors = () => readdirSync(`/proc/${daemon.pid}/fd`).length;

/** A call with a body of our own making, and no limit on our side. */
async function rawCall(path: string, body: Buffer): Promise<ServiceError | undefined> {
  const grpc = new Grpc(`unix:${daemon.address}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': -1,
  });
  const metadata = new Metadata();
  metadata.set('containerd-namespace', scope.namespace);
  const same = (bytes: Buffer) => bytes;
  const { promise, resolve } = Promise.withResolvers<ServiceError | undefined>();
  grpc.makeUnaryRequest(path, same, same, body, metadata, (error) => resolve(error ?? undefined));
  try {
    return await promise;
  } finally {
    grpc.close();
  }
}

test('a message of more than 16 MiB is refused, and does no harm', async () => {
  for (const mib of [17, 64, 300]) {
    const error = await rawCall('/containerd.services.containers.v1.Containers/Create', Buffer.alloc(mib << 20, 0x0a));
    expect([mib, error?.code]).toEqual([mib, 8]); // RESOURCE_EXHAUSTED
  }
  expect(residentMb()).toBeLessThan(400);
  await expectWell();
});

test('messages that are no messages are refused', async () => {
  for (const service of [
    'containers.v1.Containers/Create',
    'images.v1.Images/List',
    'tasks.v1.Tasks/Create',
    'snapshots.v1.Snapshots/Prepare',
  ])
    for (const body of [
      randomBytes(1000),
      Buffer.alloc(1000, 0xff),
      Buffer.from('0a', 'hex'),
      Buffer.alloc(100_000, 0x0b),
    ])
      expect((await rawCall(`/containerd.services.${service}`, body))?.code).toBeDefined();
  expect((await rawCall('/containerd.services.nobody.v1.Nobody/Nothing', Buffer.alloc(0)))?.code).toBe(12); // UNIMPLEMENTED
  await expectWell();
});

test('an answer that would be more than 16 MiB is an error for that caller', async () => {
  for (let i = 0; i < 6; i++) await client.containers.create(scope, container(`big${i}`, 3 << 20));
  const error = await rawCall('/containerd.services.containers.v1.Containers/List', Buffer.alloc(0));
  expect([error?.code, error?.details]).toEqual([8, expect.stringMatching(/larger|exceed|more than/i)]);
  for (let i = 0; i < 6; i++) await client.containers.delete(scope, `big${i}`);
  await expectWell();
});

test('filters that mean to hang or to confuse end soon, with an error where they are none', async () => {
  const name = `${'a'.repeat(4000)}!`;
  await using lease = new AsyncDisposableStack();
  await client.leases.create(scope, { id: 'l', labels: { l: name } });
  lease.defer(() => client.leases.delete(scope, 'l'));
  // As in containerd a regular expression that is none matches nothing; one that takes too long is refused.
  const cases: readonly (readonly [filter: string, wanted: readonly (ErrorClass | 'none')[]])[] = [
    ...[
      '(a+)+$',
      '(a|a)*(a|a)*(a|a)*b',
      '((((((((((a{0,30}){0,30}){0,30})))))))){0,30}',
      `${'(a?)'.repeat(1500)}${'a'.repeat(1500)}`,
      '(a|b)*a(a|b){200}$',
      '(?=a)b',
      '(a)\\1',
      '[',
    ].map((regex) => [`labels.l~=/${regex}/`, ['none', 'resource_exhausted', 'invalid_argument']] as const),
    [`labels.${'x'.repeat(1 << 20)}==y`, ['none', 'invalid_argument']],
    ['labels."l', ['invalid_argument']],
    ['==', ['invalid_argument']],
    ['a==b,,c', ['invalid_argument']],
    [`labels.l==${'"\\x41'.repeat(1000)}`, ['invalid_argument']],
    ['\0', ['invalid_argument']],
  ];
  for (const [filter, wanted] of cases) {
    const what = filter.slice(0, 60);
    const begin = performance.now();
    const asked = faultOf(client.leases.list(scope, [filter]));
    await client.version(scope.signal); // somebody else asks at the same time
    expect([what, performance.now() - begin < 2_500]).toEqual([what, true]);
    const got = await asked;
    expect([what, wanted.includes(got), got]).toEqual([what, true, got]);
    expect([what, performance.now() - begin < 3_000]).toEqual([what, true]);
  }
  await lease.disposeAsync();
  await expectWell();
});

test('names that lead elsewhere, or are none, are refused everywhere', async () => {
  const bad = ['', '.', '..', '../x', 'a/b', '/etc', 'a..b', '-a', 'a-', 'ü', 'a b', 'a\0b', 'a\nb', 'x'.repeat(77)];
  for (const id of bad) {
    const tries = {
      container: faultOf(client.containers.create(scope, container(id))),
      namespace: faultOf(client.namespaces.create({ name: id, labels: {} })),
      task: faultOf(client.tasks.state(scope, id, '')),
    };
    expect([id, await tries.container]).toEqual([id, 'invalid_argument']);
    expect([id, await tries.namespace]).toEqual([id, 'invalid_argument']);
    expect([id, ['invalid_argument', 'not_found'].includes(await tries.task)]).toEqual([id, true]);
  }
  for (const digest of [
    '',
    'sha256:',
    'sha256:../../../etc/passwd',
    `sha256:${'g'.repeat(64)}`,
    `md5:${'0'.repeat(32)}`,
    '/etc/passwd',
  ]) {
    expect([digest, await faultOf(client.content.info(scope, digest as Digest))]).toEqual([digest, 'invalid_argument']);
    expect([digest, await faultOf(client.content.delete(scope, digest as Digest))]).toEqual([
      digest,
      'invalid_argument',
    ]);
  }
  await expectWell();
});

test('refs and keys may be anything, and lead nowhere', async () => {
  // Under a lease, so that no collection comes between.
  const lease = await client.lease(scope);
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  for (const name of ['../../../x', '/etc/x', '..', 'a\nb', "a'; DROP TABLE blobs; --", 'x'.repeat(3000)]) {
    {
      await using writer = await client.content.writer(scope, name);
      await writer.write(Buffer.from('x'));
    }
    await client.content.abort(scope, name);
    await snapshotter.prepare(lease.scope, name, '');
    await snapshotter.remove(lease.scope, name);
  }
  expect(await faultOf(client.content.writer(scope, ''))).toBe('invalid_argument');
  await client.leases.delete(scope, lease.id, { sync: true });
  await expectWell();
});

test('a client that goes away in the middle of an ingest leaves a ref that others can take up', async () => {
  for (let i = 1; i <= 5; i++) {
    const gone = spawn('/usr/bin/ctr', [
      '--address',
      daemon.address,
      '-n',
      scope.namespace,
      'content',
      'ingest',
      `shared-${i}`,
    ]);
    gone.stdin.write(randomBytes(3 << 20)); // and no end
    gone.stdin.on('error', () => {}); // it is killed while it reads
    const ref = `shared-${i}`;
    for (let tries = 0; tries < 5_000 && (await faultOf(client.content.status(scope, ref))) !== 'none'; tries++)
      await wait(10);
    const closed = once(gone, 'close');
    gone.kill('SIGKILL');
    await closed;
    await using writer = await openSoon(ref);
    await writer.write(Buffer.from('x'));
  }
  for (const { ref } of await client.content.statuses(scope)) await client.content.abort(scope, ref);
  await expectWell();
});

/** That the one before has gone is known a moment later. */
async function openSoon(ref: string) {
  for (let tries = 0; ; tries++) {
    try {
      return await client.content.writer(scope, ref);
    } catch (thrown) {
      if (classOf(thrown) !== 'unavailable' || tries > 2_000) throw thrown;
      await wait(20);
    }
  }
}

test('rubbish on its sockets, and connections that say nothing, cost it nothing', async () => {
  const before = descriptors();
  const sockets: Socket[] = [];
  for (const path of [daemon.address, `${daemon.address}.ttrpc`]) {
    for (let i = 0; i < 60; i++) {
      const socket = connect(path).on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
      if (i % 4 === 0) socket.write(randomBytes(1 << (i % 20)));
      if (i % 4 === 1) socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      if (i % 4 === 2) socket.end('GET / HTTP/1.1\r\n\r\n');
    }
  }
  await client.version(scope.signal);
  for (const socket of sockets) socket.destroy();
  let now = descriptors();
  for (let waited = 0; waited < 60_000 && now > before + 2; waited += 50, now = descriptors()) await wait(50);
  expect(now).toBeLessThanOrEqual(before + 2);
  await expectWell();
});

test('a thousand subscribers that never read, and events for them, do not stop anybody', async () => {
  const cancel = new AbortController();
  const idle = Array.from({ length: 1000 }, () =>
    client.events.subscribe(cancel.signal, ['topic~="^/leases"'])[Symbol.asyncIterator](),
  );
  const begin = performance.now();
  for (let i = 0; i < 50; i++) {
    const { id } = await client.leases.create(scope, { id: '', labels: {} });
    await client.leases.delete(scope, id);
  }
  expect(performance.now() - begin).toBeLessThan(90_000);
  cancel.abort();
  for (const one of idle) await one.next().catch(() => {});
  await expectWell();
});

test('a client that subscribes to events and never reads them costs a bounded amount, and finds that he was cut off', async () => {
  await using deaf = openClient(daemon.address);
  const cancel = new AbortController();
  // Asked once, so that it is subscribed; never again.
  const subscription = deaf.events.subscribe(cancel.signal, ['topic=="/deaf"'])[Symbol.asyncIterator]();
  const first = subscription.next();
  const event = { typeUrl: 'x', value: randomBytes(1 << 20) };
  await wait(200);
  await client.events.publish(scope.namespace, '/deaf', event);
  await first;
  const before = residentMb();
  let most = 0;
  for (let i = 0; i < 400; i++) {
    await client.events.publish(scope.namespace, '/deaf', event);
    most = Math.max(most, residentMb() - before);
  }
  expect(most).toBeLessThan(250);
  expect(daemon.log).toContain('cut off');
  let heard = 0;
  let thrown: unknown;
  for (; thrown === undefined && heard < 400; heard++) await subscription.next().catch((error) => (thrown = error));
  expect([classOf(thrown), heard < 100]).toEqual(['resource_exhausted', true]);
  cancel.abort();
  await expectWell();
});
