import { expect, test } from 'bun:test';
import { create, type DescField, type DescMessage, toBinary } from '@bufbuild/protobuf';
import { Metadata } from '@grpc/grpc-js';
import { createLog } from '#base/log';
import { memoryContainers } from '#core/containers/memory';
import { memoryContent } from '#core/content/memory';
import type { Differ } from '#core/diff/diff';
import type { Events } from '#core/events/events';
import { memoryImages } from '#core/images/memory';
import { memoryLeases } from '#core/leases/memory';
import { memoryNamespaces } from '#core/namespaces/memory';
import type { Tasks } from '#core/runtime/tasks';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { Transfer } from '#core/transfer/transfer';
import { namespaceHeader } from './call.ts';
import { serveContainers } from './containers/server.ts';
import { serveContent } from './content/server.ts';
import { serveDiff } from './diff/server.ts';
import { serveEvents } from './events/server.ts';
import { serveHealth } from './health/server.ts';
import { serveImages } from './images/server.ts';
import { inProcess } from './in-process.ts';
import { serveLeases } from './leases/server.ts';
import { serveNamespaces } from './namespaces/server.ts';
import { serveSnapshots } from './snapshots/server.ts';
import { StreamRegistry } from './streaming/registry.ts';
import { serveStreaming } from './streaming/server.ts';
import { serveTasks } from './tasks/server.ts';
import { serveTransfer } from './transfer/server.ts';

const rounds = 40;

/** Numbers from a seed, so that a failure can be had again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
type Random = ReturnType<typeof randomFrom>;

const words = [
  '',
  'a',
  'native',
  '__proto__',
  'constructor',
  '../../etc',
  'sha256:12',
  `sha256:${'0'.repeat(64)}`,
  '\0',
  'x'.repeat(5000),
  'labels.a',
  'a==',
  '~=/(/',
  '日本',
];
const integers = [0n, 1n, -1n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 53n, 2n ** 62n, -(2n ** 62n)];

function scalar(field: DescField, random: Random): unknown {
  const type = 'scalar' in field ? field.scalar : undefined;
  const integer = integers[random(integers.length)] as bigint;
  switch (type) {
    case 9:
      return words[random(words.length)];
    case 12:
      return Uint8Array.from({ length: random(20) }, () => random(256));
    case 8:
      return random(2) === 1;
    case 3:
      return integer;
    case 4:
      return integer < 0n ? -integer : integer;
    case 5:
      return Number(BigInt.asIntN(32, integer));
    case 13:
      return Number(BigInt.asUintN(32, integer));
    default:
      return random(9) - 1;
  }
}

/** Some message of that type: any of its fields, with values that nobody should send. */
function messageOf(desc: DescMessage, random: Random, depth = 0): object {
  const init: Record<string, unknown> = {};
  for (const field of desc.fields) {
    if (random(3) === 0) continue;
    const one = () =>
      field.message === undefined ? scalar(field, random) : messageOf(field.message, random, depth + 1);
    if (field.message !== undefined && depth > 3) continue;
    if (field.fieldKind === 'list') init[field.localName] = [one()];
    else if (field.fieldKind === 'map') init[field.localName] = { [words[random(words.length)] as string]: one() };
    else init[field.localName] = one();
  }
  return create(desc, init);
}

/** Stores whose every method gives nothing: what is tested is the way to them. */
const nothing = <T>(answer: unknown) => new Proxy({}, { get: () => async () => answer }) as T;
async function* none<T>(): AsyncGenerator<T> {
  yield* [];
}

function everything() {
  const collector = { collect: async () => ({ elapsedMs: 0, removed: {} }) };
  const streams = new StreamRegistry();
  const process = {
    id: '',
    execId: '',
    pid: 1,
    status: 'running',
    exitStatus: 0,
    stdin: '',
    stdout: '',
    stderr: '',
    terminal: false,
  };
  const tasks = { ...process, [Symbol.iterator]: () => [][Symbol.iterator](), map: () => [] };
  const snapshotter = { walk: () => none(), prepare: async () => [], view: async () => [], mounts: async () => [] };
  const descriptor = { mediaType: '', digest: '', size: 0 };
  const events: Events = { publish: async () => {}, forward: async () => {}, subscribe: () => none() };
  return [
    serveContainers(memoryContainers()),
    serveContent(memoryContent()),
    serveDiff(nothing<Differ>(descriptor)),
    serveEvents(events),
    serveHealth(),
    serveImages(memoryImages(), collector),
    serveLeases(memoryLeases(), collector),
    serveNamespaces(memoryNamespaces()),
    serveSnapshots(new Map([['other', snapshotter as unknown as Snapshotter]])),
    serveStreaming(streams),
    serveTasks(nothing<Tasks>(tasks)),
    serveTransfer(nothing<Transfer>(undefined), streams),
  ];
}

test('no message that is well formed, and none that is not, makes a service fail unexpectedly', async () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', format: 'text', write: (line) => lines.push(line) });
  const services = everything();
  await using server = await inProcess(services, { log });
  const bytes = (encoded: Buffer) => encoded;
  const metadata = new Metadata();
  metadata.set(namespaceHeader, 'default');
  const ask = (path: string, body: Buffer) =>
    new Promise<number>((resolve) => {
      const call = server.transport.grpc.makeBidiStreamRequest(path, bytes, bytes, metadata, {
        deadline: Date.now() + 5000,
      });
      call.on('data', () => {});
      call.on('error', () => {});
      call.on('status', ({ code }) => resolve(code));
      call.end(body);
    });
  const seen = new Set<number>();
  for (const { desc } of services) {
    for (const method of desc.methods) {
      if (['Watch', 'Stream'].includes(method.name)) continue;
      const random = randomFrom(method.name.length * 7919 + desc.typeName.length);
      const path = `/${desc.typeName}/${method.name}`;
      for (let round = 0; round < rounds; round++) {
        const body = Buffer.from(toBinary(method.input, messageOf(method.input, random) as never));
        if (round % 4 === 3 && body.length > 0) body[random(body.length)] = random(256);
        const code = await ask(path, body);
        seen.add(code);
        // 4 is a call that nobody answered.
        expect([path, code]).not.toEqual([path, 4]);
      }
    }
  }
  expect(lines).toEqual([]);
  for (const code of [0, 3, 5]) expect(seen.has(code)).toBe(true);
}, 120_000);
