import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { invalidArgument, isFault, messageOf, wrap } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import { type Digest, digestOf, isDigest } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { openWriter } from './open-writer.ts';
import type { ArchiveMember } from './tar-stream.ts';
import { readArchive } from './tar-stream.ts';

/** The largest `index.json` or `manifest.json` that is read, and how many members an archive may have. */
const maxDocumentBytes = 20 << 20;
const maxMembers = 100_000;

/** What an archive held, once its blobs are in the store. */
export interface ArchiveContent {
  /** The documents at its top that were there: `oci-layout`, `index.json`, `manifest.json`. */
  readonly documents: ReadonlyMap<string, Uint8Array>;
  /** Files by name, as Docker's format refers to them. */
  readonly files: ReadonlyMap<string, StoredFile>;
}

export interface StoredFile {
  readonly digest: Digest;
  readonly size: number;
  /** What the first bytes announce. */
  readonly compression: 'gzip' | 'zstd' | 'none';
}

const documentNames: ReadonlySet<string> = new Set(['oci-layout', 'index.json', 'manifest.json']);
/** Files of Docker's older format that nothing refers to. */
const ignored = /(?:^|\/)(?:VERSION|json|repositories)$/;

/** Puts every blob of an archive into the store, in one pass. @throws invalid_argument for a bad archive; failed_precondition when a blob is not what its name says */
export async function storeArchive(
  content: ContentStore,
  scope: Scope,
  archive: AsyncIterable<Uint8Array>,
): Promise<ArchiveContent> {
  const documents = new Map<string, Uint8Array>();
  const files = new Map<string, StoredFile>();
  const links = new Map<string, string>();
  let members = 0;
  for await (const member of readArchive(archive)) {
    members++;
    if (members > maxMembers) throw invalidArgument(`archive has more than ${maxMembers} members`);
    if (member.kind === 'link') links.set(member.name, linkTarget(member));
    if (member.kind !== 'file') continue;
    if (documentNames.has(member.name)) documents.set(member.name, await readDocument(member));
    else if (!ignored.test(member.name)) files.set(member.name, await storeMember(content, scope, member));
  }
  for (const [name, target] of links) {
    const file = files.get(target);
    if (file !== undefined) files.set(name, file);
  }
  return { documents, files };
}

async function readDocument(member: ArchiveMember): Promise<Uint8Array> {
  if (member.size > maxDocumentBytes)
    throw invalidArgument(`archive: ${member.name} has ${member.size} bytes, at most ${maxDocumentBytes}`);
  const parts: Uint8Array[] = [];
  for await (const part of member.bytes) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

async function storeMember(content: ContentStore, scope: Scope, member: ArchiveMember): Promise<StoredFile> {
  const named = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(member.name);
  const digest = named === null ? undefined : `${named[1]}:${named[2]}`;
  let head: Uint8Array = new Uint8Array(0);
  const bytes = (async function* () {
    for await (const part of member.bytes) {
      if (head.length < 4) head = Buffer.concat([head, part.subarray(0, 4)]);
      yield part;
    }
  })();
  const expected = digest !== undefined && isDigest(digest) ? digest : undefined;
  const stored = await storeStream(content, scope, bytes, {
    ref: `import-${expected ?? `${member.name}-${scope.lease ?? ''}`}`,
    ...(expected !== undefined && { expected, size: member.size }),
  });
  // Of a blob that was there already the bytes were not looked at.
  if (head.length === 0) for await (const _ of bytes) if (head.length >= 4) break;
  return { digest: stored, size: member.size, compression: compressionOf(head) };
}

/** Puts a stream into the store; its digest. A blob that is there already is not read. */
export async function storeStream(
  content: ContentStore,
  scope: Scope,
  bytes: AsyncIterable<Uint8Array>,
  options: { readonly ref: string; readonly expected?: Digest; readonly size?: number; readonly labels?: Labels },
): Promise<Digest> {
  const { ref, expected, size = 0, labels } = options;
  const writer = await openWriter(content, scope, ref, expected === undefined ? {} : { expected, total: size });
  if (writer === undefined) return expected as Digest; // only what is expected can be there
  try {
    // Whole already where the store may take it from another namespace.
    if (writer.status().offset !== size || expected === undefined) {
      await writer.truncate(0);
      for await (const part of bytes) await writer.write(part);
    }
    const digest = expected ?? writer.digest();
    return await writer.commit(size, expected, labels).catch((error: unknown) => {
      if (isFault(error, 'already_exists')) return digest;
      throw error;
    });
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    // Archives cannot be taken up where they broke off: nothing is worth keeping. Also when the scope was cancelled.
    await content.abort({ ...scope, signal: new AbortController().signal }, ref).catch((second: unknown) => {
      if (!isFault(second, 'not_found')) throw wrap(error, `(and ingest ${ref} stays: ${messageOf(second)})`);
    });
    throw error;
  }
}

/** Stores a document that was made here. */
export async function storeDocument(
  content: ContentStore,
  scope: Scope,
  bytes: Uint8Array,
  mediaType: string,
  labels: Labels,
): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const source = (async function* () {
    yield bytes;
  })();
  await storeStream(content, scope, source, { ref: `import-${digest}`, expected: digest, size: bytes.length, labels });
  return { mediaType, digest, size: bytes.length };
}

/** A layer that came uncompressed, stored a second time with gzip. */
export async function storeCompressed(content: ContentStore, scope: Scope, layer: StoredFile): Promise<Descriptor> {
  await using reader = await content.open(scope, layer.digest);
  const plain = (async function* () {
    for (let at = 0; at < reader.size; ) {
      const part = await reader.read(at, 1 << 20);
      yield part;
      at += part.length;
    }
  })();
  const packed = Readable.from(plain, { objectMode: false }).pipe(createGzip({ chunkSize: 1 << 20 }));
  const digest = await storeStream(content, scope, packed as AsyncIterable<Uint8Array>, {
    ref: `import-gzip-${layer.digest}`,
    labels: { 'containerd.io/uncompressed': layer.digest },
  });
  const { size } = await content.info(scope, digest);
  return { mediaType: mediaTypes.dockerLayerGzip, digest, size };
}

/** Docker's archives name a layer that occurs twice by a link to its first place. */
function linkTarget(member: ArchiveMember): string {
  if (!member.target.startsWith('..') && !member.target.startsWith('./')) return member.target.replace(/^\/+/, '');
  const parts = member.name.split('/').slice(0, -1);
  for (const part of member.target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

function compressionOf(head: Uint8Array): StoredFile['compression'] {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  return 'none';
}
