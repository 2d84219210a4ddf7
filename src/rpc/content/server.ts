import { Content } from '#api/services/content/v1/content_pb';
import { invalidArgument, outOfRange } from '#base/errors';
import type { BlobReader, ContentStore } from '#core/content/content';
import type { Scope } from '#core/scope';
import { type Digest, parseDigest } from '#lib/digest';
import { defineService, type Service } from '../service.ts';
import { fieldsFromWire, inBlocks, numberFromWire } from '../values.ts';
import { infoToWire, statusToWire } from './convert.ts';
import { serveWrite } from './write.ts';

/** Bytes in one message of a read: containerd's own choice. */
const chunkBytes = 1 << 20;

/** The content service on a store. */
export function serveContent(store: ContentStore): Service {
  return defineService(Content, {
    info: async ({ digest }, { scope }) => ({ info: infoToWire(await store.info(scope, parseDigest(digest))) }),
    update: async ({ info, updateMask }, { scope }) => {
      if (info === undefined) throw invalidArgument('content info is required');
      const change = { digest: parseDigest(info.digest), labels: info.labels };
      return { info: infoToWire(await store.update(scope, change, fieldsFromWire(updateMask))) };
    },
    list: async function* ({ filters }, { scope }) {
      for await (const block of inBlocks(store.walk(scope, filters))) yield { info: block.map(infoToWire) };
    },
    delete: async ({ digest }, { scope }) => {
      await store.delete(scope, parseDigest(digest));
      return {};
    },
    read: ({ digest, offset, size }, { scope }) => serveRead(store, scope, parseDigest(digest), { offset, size }),
    status: async ({ ref }, { scope }) => ({ status: statusToWire(await store.status(scope, ref)) }),
    listStatuses: async ({ filters }, { scope }) => ({
      statuses: (await store.statuses(scope, filters)).map(statusToWire),
    }),
    write: (requests, { scope }) => serveWrite(store, scope, requests),
    abort: async ({ ref }, { scope }) => {
      await store.abort(scope, ref);
      return {};
    },
  });
}

async function* serveRead(store: ContentStore, scope: Scope, digest: Digest, wanted: Wanted) {
  await using held = new AsyncDisposableStack();
  const reader = held.use(await store.open(scope, digest));
  const { start, end } = range(reader, wanted);
  for (let at = start; at < end; ) {
    const data = await reader.read(at, Math.min(chunkBytes, end - at));
    if (data.byteLength === 0) throw outOfRange(`${digest}: the blob ends at ${at} and not at ${reader.size}`);
    const offset = BigInt(at - start);
    at += data.byteLength;
    // The reader is closed before the last bytes are sent, so that the end follows them at once: Go's reader has all it wants with the last
    // bytes, and cancels a stream that has not ended by then.
    if (at >= end) await held.disposeAsync();
    yield { offset, data };
  }
}

interface Wanted {
  readonly offset: bigint;
  readonly size: bigint;
}

/** The bytes that a read means: no size, or one beyond the end, means up to the end. @throws out_of_range for an offset beyond it */
function range(reader: BlobReader, wanted: Wanted): { readonly start: number; readonly end: number } {
  const { size } = reader;
  const start = wanted.offset < 0n ? 0 : numberFromWire(wanted.offset, 'offset');
  if (start > size) throw outOfRange(`read past object length ${size} bytes`);
  const length = wanted.size <= 0n || wanted.size > BigInt(size - start) ? size - start : Number(wanted.size);
  return { start, end: start + length };
}
