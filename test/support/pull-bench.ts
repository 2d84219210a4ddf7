import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { classOf, type ErrorClass, messageOf } from '#base/errors';
import { type Client, openClient } from '#client/client';
import { pull } from '#client/transfer';
import { type Scope, scopeOf } from '#core/scope';
import { checkStore, soundStore } from './check-store.ts';
import { startDaemon, type TestDaemon } from './daemon.ts';
import { FakeRegistry } from './fake-registry.ts';
import { leftBehind } from './nothing-left.ts';

const config = `
[plugins.'io.containerd.differ.v1.walking']
max_layer_size = 64
max_layer_files = 2000
[timeouts]
"io.containerd.timeout.registry.stall" = "300ms"
"io.containerd.timeout.registry.response" = "300ms"
`;

/** Puts an image as `a/b:bad` into the registry. */
export type Publish = (registry: FakeRegistry) => void;

export interface PullBench {
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly registry: FakeRegistry;
  readonly scope: Scope;
  readonly reference: string;
  /** Makes a test: what is published cannot be pulled, for that reason, and nothing of it stays. */
  refused(what: string, cls: ErrorClass, text: RegExp, publishBad: Publish): void;
  /** Nothing is in the store, nor left on the machine. */
  expectNothing(): Promise<void>;
}

/** A daemon with narrow limits and little patience, and a registry in this process, for all tests of the file that calls this. */
export function pullBench(): PullBench {
  const open = new AsyncDisposableStack();
  let usual = 0;
  const made: { daemon?: TestDaemon; client?: Client; registry?: FakeRegistry } = {};
  beforeAll(async () => {
    made.daemon = open.use(await startDaemon({ built: true, parent: '/dev/shm', config }));
    made.client = open.use(openClient(made.daemon.address));
    made.registry = open.use(await FakeRegistry.start());
    usual = descriptors(bench);
  }, 30_000);
  afterAll(async () => {
    const left = descriptors(bench);
    await open.disposeAsync();
    // Some for connections to the registry and blobs that are kept open for a while.
    expect(left).toBeLessThan(usual + 20);
  }, 30_000);
  const bench: PullBench = {
    get daemon() {
      return there(made.daemon);
    },
    get client() {
      return there(made.client);
    },
    get registry() {
      return there(made.registry);
    },
    get reference() {
      return `${bench.registry.host}/a/b:bad`;
    },
    scope: scopeOf('bad'),
    refused: (what, cls, text, publishBad) =>
      test(`${what}: ${cls}`, () => expectRefused(bench, cls, text, publishBad), 20_000),
    expectNothing: () => expectNothing(bench),
  };
  return bench;
}

async function expectRefused(on: PullBench, cls: ErrorClass, text: RegExp, publishBad: Publish): Promise<void> {
  const { client, registry, scope, reference } = on;
  registry.blobs.clear();
  registry.manifests.clear();
  registry.intercept = undefined;
  publishBad(registry);
  const error = await pull(client, scope, reference).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect([classOf(error), messageOf(error)]).toEqual([cls, expect.stringMatching(text)]);
  expect(messageOf(error).length).toBeLessThan(2_000);
  await expectNothing(on);
}

async function expectNothing({ daemon, client, scope }: PullBench): Promise<void> {
  expect(await client.images.list(scope)).toEqual([]);
  // What may pass by itself leaves its lease and what it has fetched for the next attempt; here nobody makes one.
  for (const { id, labels } of await client.leases.list(scope)) {
    expect(Object.keys(labels)).toContain('containerd.io/gc.expire');
    for (const { type, id: ref } of await client.leases.listResources(scope, id))
      if (type === 'ingests') await client.content.abort(scope, ref);
    await client.leases.delete(scope, id);
  }
  const { id } = await client.leases.create(scope, { id: '', labels: {} });
  await client.leases.delete(scope, id, { sync: true });
  expect(await leftBehind(daemon, client, scope)).toEqual([]);
  const blobs: string[] = [];
  for await (const { digest } of client.content.walk(scope)) blobs.push(digest);
  expect(blobs).toEqual([]);
  expect(checkStore(daemon.root)).toEqual(soundStore);
}

const descriptors = ({ daemon }: PullBench): number => readdirSync(`/proc/${daemon.pid}/fd`).length;

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('only while tests run');
  return value;
}
