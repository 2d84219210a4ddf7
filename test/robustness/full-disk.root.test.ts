import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, openClient } from '#client/client';
import { createTask } from '#client/task';
import { nullIo } from '#client/task-io';
import { pull } from '#client/transfer';
import { rootSnapshot } from '#client/unpacked';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { type Digest, digestOf } from '#lib/digest';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { busyboxImage } from '#test/support/busybox-image';
import { checkStore, soundStore } from '#test/support/check-store';
import { makeContainer, removeContainer, runContainer } from '#test/support/containers';
import { startDaemon, type TestDaemon } from '#test/support/daemon';
import { FakeRegistry } from '#test/support/fake-registry';
import { forgetNamespace, leftBehind } from '#test/support/nothing-left';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';

const scope = scopeOf(`full-${randomUUID().slice(0, 8)}`);
const open = new AsyncDisposableStack();
let disk: string;
let daemon: TestDaemon;
let client: Client;
let registry: FakeRegistry;
let top: string;

beforeAll(async () => {
  open.defer(() => forgetNamespace(scope.namespace));
  disk = mkdtempSync('/tmp/berth-disk-');
  open.defer(() => rmSync(disk, { recursive: true, force: true }));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'none', disk]);
  open.defer(() => void execFileSync('umount', [disk]));
  daemon = open.use(await startDaemon({ built: true, parent: disk }));
  client = open.use(openClient(daemon.address));
  registry = open.use(await FakeRegistry.start());
  publish(registry, 'a/b', 'busybox', busyboxImage());
  const { target } = await pull(client, scope, `${registry.host}/a/b:busybox`, { name: 'busybox' });
  top = await rootSnapshot(client, scope, target, onlyPlatform(defaultPlatform()));
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

const filler = () => join(disk, 'filler');
const sigkill = { execId: '', signal: 9, all: false };

/** Takes all the room there is, to the last page. */
function fill(): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler(), Buffer.alloc(bavail * bsize));
  expect(statfsSync(disk).bavail).toBe(0);
}
const free = () => rmSync(filler(), { force: true });

async function collect(): Promise<void> {
  const { id } = await client.leases.create(scope, { id: '', labels: {} });
  await client.leases.delete(scope, id, { sync: true });
}

async function expectSound(): Promise<void> {
  await collect();
  expect(await leftBehind(daemon, client, scope)).toEqual([]);
  expect(checkStore(daemon.root)).toEqual(soundStore);
}

test('a pull for which there is no room says so, leaves nothing, and smaller ones succeed', async () => {
  publish(
    registry,
    'a/b',
    'big',
    sampleImage([sampleLayer({ a: randomBytes(15e6) }), sampleLayer({ b: randomBytes(15e6) })]),
  );
  publish(registry, 'a/b', 'small', sampleImage([sampleLayer({ c: 'small' })]));
  for (let i = 0; i < 3; i++) {
    const name = `${registry.host}/a/b:big`;
    expect(await faultOf(pull(client, scope, name))).toBe('resource_exhausted');
    expect((await client.images.list(scope)).map((image) => image.name)).toEqual(['busybox']);
    await expectSound();
  }
  const name = `${registry.host}/a/b:small`;
  await pull(client, scope, name);
  await client.images.delete(scope, name, { sync: true });
  await expectSound();
}, 120_000);

test('content for which there is no room is refused, and its ingest can be aborted', async () => {
  const body = randomBytes(4 << 20);
  {
    await using writer = await client.content.writer(scope, 'much', { total: 0 });
    const writing = (async () => {
      for (let i = 0; i < 16; i++) await writer.write(body);
    })();
    expect(await faultOf(writing)).toBe('resource_exhausted');
  }
  await client.content.abort(scope, 'much');
  await expectSound();
}, 120_000);

test('on a disk without a byte to spare reading goes on, writing fails, containers run, and it passes', async () => {
  const pid = await runContainer(client, scope, 'steady', { top, args: ['/bin/sleep', '1000'] });
  const waiting = await makeContainer(client, scope, 'waiting', { top, args: ['/bin/sleep', '1000'] });
  fill();
  try {
    expect(await faultOf(pull(client, scope, `${registry.host}/a/b:small`))).toBe('resource_exhausted');
    expect(await faultOf(createTask(client, scope, waiting, nullIo().stdio))).toBe('resource_exhausted');
    // What the database needs is there already for some while; then it says that it is full.
    const outcomes = new Set<string>();
    for (let i = 0; i < 400 && !outcomes.has('resource_exhausted'); i++) {
      const labels = { much: 'x'.repeat(4000), turn: String(i) };
      outcomes.add(
        await faultOf(
          client.images.update(scope, { ...(await client.images.get(scope, 'busybox')), labels }, ['labels']),
        ),
      );
    }
    expect([...outcomes].filter((outcome) => outcome !== 'none')).toEqual(['resource_exhausted']);
    await readAll();
    expect((await client.tasks.state(scope, 'steady', '')).pid).toBe(pid);
  } finally {
    free();
  }
  expect(
    await faultOf(
      client.images.update(scope, { ...(await client.images.get(scope, 'busybox')), labels: { now: 'room' } }, [
        'labels',
      ]),
    ),
  ).toBe('none');
  await createTask(client, scope, waiting, nullIo().stdio);
  for (const id of ['steady', 'waiting']) {
    await client.tasks.kill(scope, id, sigkill);
    await client.tasks.wait(scope, id, '');
    await client.tasks.delete(scope, id);
    await removeContainer(client, scope, id);
  }
  await expectSound();
}, 120_000);

test('a daemon starts on a full disk, takes its containers back and lets room be made', async () => {
  const pid = await runContainer(client, scope, 'steady', { top, args: ['/bin/sleep', '1000'] });
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await daemon.kill(signal);
    fill();
    try {
      await daemon.start();
      await readAll();
      expect((await client.tasks.state(scope, 'steady', '')).pid).toBe(pid);
    } finally {
      free();
    }
  }
  await client.tasks.kill(scope, 'steady', sigkill);
  expect((await client.tasks.wait(scope, 'steady', '')).exitStatus).toBe(137);
  await client.tasks.delete(scope, 'steady');
  await removeContainer(client, scope, 'steady');
  await expectSound();
}, 120_000);

/** All blobs that the image has, with their bytes. */
async function readAll(): Promise<void> {
  let found = 0;
  for await (const { digest, size } of client.content.walk(scope)) {
    await using reader = await client.content.open(scope, digest as Digest);
    expect(digestOf(await reader.read(0, size))).toBe(digest);
    found++;
  }
  expect(found).toBe(3);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(disk);
}
