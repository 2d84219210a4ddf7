import { create, type DescMethod, fromBinary, toBinary } from '@bufbuild/protobuf';
import { classOf, Fault, messageOf } from '#base/errors';
import { scopeOf } from '#core/scope';
import { MemorySnapshotter } from '#plugins/metadata/memory-snapshotter.fixture';
import { openTestMetadata, type TestMetadata } from '#plugins/metadata/metadata.fixture';
import type { Call } from '#rpc/call';
import { serveContainers } from '#rpc/containers/server';
import { serveContent } from '#rpc/content/server';
import { serveImages } from '#rpc/images/server';
import { serveLeases } from '#rpc/leases/server';
import { serveNamespaces } from '#rpc/namespaces/server';
import type { Service } from '#rpc/service';
import { serveSnapshots } from '#rpc/snapshots/server';
import type { FuzzTarget } from '../target.ts';

interface Method {
  readonly desc: DescMethod;
  readonly handler: Service['handlers'][string] | undefined;
}

interface Rig {
  readonly store: TestMetadata;
  readonly methods: readonly Method[];
  uses: number;
}

/** A database serves so many inputs, each in a namespace of its own. */
const usesOfOne = 400;
let rig: Rig | undefined;

/**
 * The daemon's services on its own stores, with calls that decode: each is answered or refused with one of our faults, never as a mistake of
 * ours, and whatever was stored can be listed afterwards. An input is a row of calls: a byte for the method, two for the length, the request.
 */
export const services: FuzzTarget = {
  name: 'services',
  close: async () => {
    await rig?.store[Symbol.asyncDispose]();
    rig = undefined;
  },
  maxMs: 3_000,
  words: [
    'labels.',
    'name==',
    '\0',
    '\ud800',
    'sha256:',
    'containerd.io/gc.root',
    Uint8Array.of(0x0a),
    Uint8Array.of(0x12, 0),
    Uint8Array.of(0x1a),
    Uint8Array.of(8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  ],
  async run(bytes) {
    const { methods, uses } = await ready();
    const call = callIn(`f${uses}`);
    for (let at = 0, calls = 0; at + 3 <= bytes.length && calls < 16; calls++) {
      const end = at + 3 + (((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0));
      const method = methods[(bytes[at] ?? 0) % methods.length] as Method;
      await judged(method, bytes.subarray(at + 3, end), call);
      at = end;
    }
    for (const method of methods.filter(({ desc }) => desc.name === 'List'))
      await answered(method, create(method.desc.input, inMemory(method.desc)), call);
  },
};

/** Only the snapshots' requests say where. */
const inMemory = ({ input }: DescMethod): Record<string, unknown> =>
  input.fields.some(({ localName }) => localName === 'snapshotter') ? { snapshotter: 'memory' } : {};

async function judged(method: Method, bytes: Uint8Array, call: Call): Promise<void> {
  let request: ReturnType<typeof fromBinary>;
  try {
    request = fromBinary(method.desc.input, bytes);
  } catch {
    return; // the server answers that it is no such message
  }
  try {
    await answered(method, request, call);
  } catch (thrown) {
    const cls = classOf(thrown);
    if (thrown instanceof Fault && cls !== 'internal' && cls !== 'unknown' && messageOf(thrown).length < 16_384) return;
    throw new Error(`${method.desc.parent.typeName}/${method.desc.name}: ${cls}: ${messageOf(thrown).slice(0, 2000)}`, {
      cause: thrown,
    });
  }
}

/** Answers the call and encodes what comes out. */
async function answered({ desc, handler }: Method, request: object, call: Call): Promise<void> {
  const encode = (message: object) => toBinary(desc.output, create(desc.output, message as Record<string, unknown>));
  const answer = handler?.(request as never, call) as Promise<object> | AsyncIterable<object | readonly object[]>;
  if (!(Symbol.asyncIterator in answer)) {
    encode(await answer);
    return;
  }
  for await (const some of answer) for (const message of Array.isArray(some) ? some : [some]) encode(message);
}

async function ready(): Promise<Rig> {
  if (rig !== undefined && rig.uses < usesOfOne) {
    rig.uses++;
    return rig;
  }
  await rig?.store[Symbol.asyncDispose]();
  const store = await openTestMetadata({
    durable: false,
    snapshotters: new Map([['memory', new MemorySnapshotter()]]),
  });
  const { metadata } = store;
  const collector = { collect: async () => ({ elapsedMs: 0, removed: {} }) };
  const all = [
    serveContainers(metadata.containers),
    serveImages(metadata.images, collector),
    serveLeases(metadata.leases, collector),
    serveNamespaces(metadata.namespaces),
    serveContent(metadata.content),
    serveSnapshots(metadata.snapshotters),
  ];
  const methods = all.flatMap(({ desc, handlers }) =>
    desc.methods
      .filter(({ methodKind, localName }) => methodKind !== 'bidi_streaming' && handlers[localName] !== undefined)
      .map((method): Method => ({ desc: method, handler: handlers[method.localName] })),
  );
  rig = { store, methods, uses: 1 };
  return rig;
}

function callIn(namespace: string): Call {
  const { signal } = new AbortController();
  const scope = { ...scopeOf(namespace), signal };
  return { signal, namespace, lease: undefined, scope, header: () => undefined, peer: 'fuzz' };
}
