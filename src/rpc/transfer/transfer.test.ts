import { expect, test } from 'bun:test';
import type { Any } from '#base/any';
import { abortable } from '#base/cancellation';
import { fault, isFault, messageOf, notFound } from '#base/errors';
import { memoryImages } from '#core/images/memory';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import type { Progress } from '#core/transfer/progress';
import type { ExportOptions, ImportOptions, PullOptions, Transfer } from '#core/transfer/transfer';
import { digestOf } from '#lib/digest';
import type { CredentialsOf } from '#lib/registry/credentials';
import { serveImages } from '../images/server.ts';
import { inProcess } from '../in-process.ts';
import { openStream } from '../streaming/client.ts';
import { StreamRegistry } from '../streaming/registry.ts';
import { serveStreaming } from '../streaming/server.ts';
import { remoteTransfer } from './client.ts';
import { serveTransfer } from './server.ts';

const scope = scopeOf('default');
const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('m'), size: 1 };
const line = (event: string, name = '', progress = 0): Progress => ({ event, name, parents: [], progress, total: 9 });

/** A transfer engine that does nothing but remember what it was told, and what each test adds. */
function engine(parts: Partial<Transfer>): Transfer {
  const missing = async () => {
    throw fault('internal', 'not in this test');
  };
  return { pull: missing, push: missing, import: missing, tag: missing, export: () => never(), ...parts };
}

async function* never(): AsyncGenerator<Uint8Array> {
  yield* [];
}

async function serve(transfer: Transfer) {
  const images = memoryImages();
  const streams = new StreamRegistry();
  const collector = { collect: async () => ({ elapsedMs: 0, removed: {} }) };
  const services = [serveImages(images, collector), serveStreaming(streams), serveTransfer(transfer, streams)];
  const server = await inProcess(services);
  const { transport } = server;
  return {
    transport,
    images,
    transfer: remoteTransfer(transport),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const pullOptions = (more: Partial<PullOptions> = {}): PullOptions => ({
  image: { name: 'docker.io/library/a:1', labels: { k: 'v' } },
  names: [{ name: 'a:2', isPrefix: false, allowOverwrite: true, addDigest: false, skipNamedDigest: false }],
  platforms: [{ os: 'linux', architecture: 'arm', variant: 'v7' }],
  allMetadata: true,
  manifestLimit: 3,
  unpacks: [{ snapshotter: 'native', platform: { os: 'linux', architecture: 'amd64' } }, { snapshotter: '' }],
  ...more,
});

test('a pull says on both sides the same, progress arrives whole and in order, and the image is given back', async () => {
  const asked: unknown[] = [];
  const told = [
    line('resolving'),
    { ...line('downloading', 'layer-1', 5), parents: ['m'], descriptor: target },
    line('complete'),
  ];
  await using daemon = await serve(
    engine({
      pull: async (at, { credentials: _, ...source }, { onProgress, ...options }) => {
        asked.push(at.namespace, at.lease, source, options);
        for (const each of told) onProgress?.(each);
        return daemon.images.create(at, { ...options.image, target });
      },
    }),
  );
  const seen: Progress[] = [];
  const source = {
    reference: 'docker.io/library/a:1',
    headers: { 'X-Y': 'z' },
    hostDir: '/etc/certs.d',
    defaultScheme: 'http',
  } as const;
  const options = pullOptions();
  const leased = scopeOf('default', { lease: 'l' });
  const image = await daemon.transfer.pull(leased, source, { ...options, onProgress: (each) => seen.push(each) });
  expect(asked).toEqual(['default', 'l', source, options]);
  expect(seen).toEqual(told);
  expect(image).toEqual(await daemon.images.get(scope, options.image.name));
});

test('credentials are asked for over the wire, one question at a time', async () => {
  const answers: unknown[] = [];
  await using daemon = await serve(
    engine({
      push: async (_, image, { credentials }) => {
        const hosts = ['none', 'basic', 'token', 'header'];
        answers.push(image, ...(await Promise.all(hosts.map((host) => credentials?.(host, `Bearer realm="${host}"`)))));
      },
    }),
  );
  let asking = 0;
  const credentials: CredentialsOf = async (host, challenge) => {
    expect(++asking).toBe(1);
    expect(challenge).toBe(`Bearer realm="${host}"`);
    await Bun.sleep(5);
    asking--;
    if (host === 'basic') return { user: 'u', password: 'p' };
    if (host === 'token') return { identityToken: 't' };
    return host === 'header' ? { header: 'Basic x' } : undefined;
  };
  await daemon.transfer.push(scope, 'a', { reference: 'r/a:1', credentials }, { platforms: [] });
  expect(answers).toEqual([
    'a',
    undefined,
    { user: 'u', password: 'p' },
    { identityToken: 't' },
    { header: 'Basic x' },
  ]);
});

test('when the credentials cannot be had, the transfer ends with the reason', async () => {
  const ended = Promise.withResolvers<void>();
  await using daemon = await serve(
    engine({
      push: async (at, _, { credentials }) => {
        at.signal.addEventListener('abort', () => ended.resolve());
        await credentials?.('h', '');
        await abortable(Promise.withResolvers<never>().promise, at.signal);
      },
    }),
  );
  const credentials: CredentialsOf = async () => {
    throw fault('permission_denied', 'keyring');
  };
  const pushing = daemon.transfer.push(scope, 'a', { reference: 'r/a:1', credentials }, { platforms: [] });
  expect(await faultOf(pushing)).toBe('permission_denied');
  await ended.promise;
});

const importOptions: ImportOptions = {
  image: { name: '', labels: {} },
  names: [{ name: 'r/a', isPrefix: true, allowOverwrite: false, addDigest: true, skipNamedDigest: false }],
  platforms: [],
  allMetadata: false,
  manifestLimit: 0,
  forceCompress: true,
  unpacks: [],
};

async function* bytes(total: number, chunk: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < total; at += chunk) yield new Uint8Array(Math.min(chunk, total - at)).fill(at / chunk);
}

async function digest(items: AsyncIterable<Uint8Array>) {
  const all: Uint8Array[] = [];
  for await (const item of items) all.push(item);
  return digestOf(Buffer.concat(all));
}

test('an archive is taken in byte for byte, and the images that it held are given back', async () => {
  const received: unknown[] = [];
  await using daemon = await serve(
    engine({
      import: async (at, archive, { onProgress, ...options }) => {
        received.push(await digest(archive), options);
        const image = await daemon.images.create(at, { name: 'r/a:1', labels: {}, target });
        onProgress?.(line('saved', image.name));
        return [image];
      },
    }),
  );
  const made = await daemon.transfer.import(scope, bytes(20_000_001, 700_000), importOptions);
  expect(made.map(({ name }) => name)).toEqual(['r/a:1']);
  expect(received).toEqual([await digest(bytes(20_000_001, 700_000)), importOptions]);
});

test("an archive that breaks off ends the import with the reason; one that the daemon refuses, with the daemon's", async () => {
  await using daemon = await serve(
    engine({
      import: async (_, archive) => {
        for await (const chunk of archive) if (chunk[0] === 3) throw fault('invalid_argument', 'bad archive');
        return [];
      },
    }),
  );
  async function* broken() {
    yield new Uint8Array(10);
    throw fault('data_loss', 'disk');
  }
  expect(await faultOf(daemon.transfer.import(scope, broken(), importOptions))).toBe('data_loss');
  const refused = daemon.transfer.import(scope, bytes(100_000_000, 100_000), importOptions);
  expect(await faultOf(refused)).toBe('invalid_argument');
});

const exportOptions: ExportOptions = {
  platforms: [{ os: 'linux', architecture: 'amd64' }],
  allPlatforms: false,
  skipDockerManifest: true,
  skipNonDistributable: true,
};

test('an archive is sent byte for byte, and a failure ends it with the reason', async () => {
  const asked: unknown[] = [];
  await using daemon = await serve(
    engine({
      export: async function* (_, names, options) {
        asked.push(names, options);
        yield* bytes(20_000_001, 700_000);
        if (names.includes('missing')) throw notFound('content digest sha256:x');
      },
    }),
  );
  expect(await digest(daemon.transfer.export(scope, ['a', 'b'], exportOptions))).toBe(
    await digest(bytes(20_000_001, 700_000)),
  );
  expect(asked).toEqual([['a', 'b'], exportOptions]);
  let size = 0;
  const failing = (async () => {
    for await (const chunk of daemon.transfer.export(scope, ['missing'], exportOptions)) size += chunk.byteLength;
  })();
  const thrown = await failing.catch((error: unknown) => error);
  expect([isFault(thrown, 'not_found'), messageOf(thrown)]).toEqual([true, 'content digest sha256:x: not found']);
  expect(size).toBeLessThanOrEqual(20_000_001);
});

test('a reader that stops ends the export in the daemon', async () => {
  const ended = Promise.withResolvers<void>();
  await using daemon = await serve(
    engine({
      export: async function* () {
        try {
          yield* bytes(1_000_000_000, 100_000);
        } finally {
          ended.resolve();
        }
      },
    }),
  );
  for await (const _ of daemon.transfer.export(scope, ['a'], exportOptions)) break;
  await ended.promise;
});

test('an image gets a further name', async () => {
  await using daemon = await serve(
    engine({
      tag: async (at, source, to) => daemon.images.create(at, { ...(await daemon.images.get(at, source)), ...to }),
    }),
  );
  await daemon.images.create(scope, { name: 'a', labels: {}, target });
  expect(await daemon.transfer.tag(scope, 'a', { name: 'b', labels: { x: 'y' } })).toMatchObject({
    name: 'b',
    labels: { x: 'y' },
    target,
  });
});

test('a cancelled transfer is cancelled in the daemon', async () => {
  const ended = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using daemon = await serve(
    engine({
      pull: async (at) => {
        begun.resolve();
        at.signal.addEventListener('abort', () => ended.resolve());
        return abortable(Promise.withResolvers<never>().promise, at.signal);
      },
    }),
  );
  const abort = new AbortController();
  const source = { reference: 'a' };
  const pulling = daemon.transfer.pull(
    scopeOf('default', { signal: abort.signal }),
    source,
    pullOptions({ onProgress: () => {} }),
  );
  await begun.promise;
  abort.abort();
  expect(await faultOf(pulling)).toBe('canceled');
  await ended.promise;
});

test("streams are their namespace's, have one id each, and are forgotten when they end", async () => {
  const streams = new StreamRegistry();
  await using daemon = await inProcess([serveStreaming(streams)]);
  const stream = await openStream(daemon.transport, scope, 'x');
  const there = streams.get(scope, stream.id);
  expect(() => streams.get(scopeOf('other'), stream.id)).toThrow('not found');
  const text = (value: string): Any => ({ typeUrl: 'text', value: new TextEncoder().encode(value) });
  await stream.send(text('to'));
  void there.send(text('fro'));
  const firstOf = async (items: AsyncIterable<Any>) => (await items[Symbol.asyncIterator]().next()).value as Any;
  expect(new TextDecoder().decode((await firstOf(there)).value)).toBe('to');
  expect(new TextDecoder().decode((await firstOf(stream)).value)).toBe('fro');
  stream[Symbol.dispose]();
  const until = performance.now() + 60_000;
  const isThere = () => {
    try {
      return streams.get(scope, stream.id) === there;
    } catch {
      return false;
    }
  };
  while (isThere() && performance.now() < until) await Bun.sleep(5);
  expect(isThere()).toBe(false);
});
