import { Content } from '#api/services/content/v1/content_pb';
import { invalidArgument, outOfRange } from '#base/errors';
import type { BlobReader, ContentStore } from '#core/content/content';
import { parseDigest } from '#lib/digest';
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
    read: async function* ({ digest, offset, size }, { scope }) {
      await using reader = await store.open(scope, parseDigest(digest));
      const { start, end } = range(reader, offset, size);
      for (let at = start; at < end; ) {
        const data = await reader.read(at, Math.min(chunkBytes, end - at));
        if (data.byteLength === 0) throw outOfRange(`${digest}: the blob ends at ${at} and not at ${reader.size}`);
        yield { offset: BigInt(at - start), data };
        at += data.byteLength;
      }
    },
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

/** The bytes that a read means: no size, or one beyond the end, means up to the end. @throws out_of_range for an offset beyond it */
function range({ size }: BlobReader, offset: bigint, wanted: bigint): { readonly start: number; readonly end: number } {
  const start = offset < 0n ? 0 : numberFromWire(offset, 'offset');
  if (start > size) throw outOfRange(`read past object length ${size} bytes`);
  const length = wanted <= 0n || wanted > BigInt(size - start) ? size - start : Number(wanted);
  return { start, end: start + length };
}
