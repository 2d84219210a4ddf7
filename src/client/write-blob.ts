import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import { openWriter } from '#core/transfer/engine/open-writer';
import { type Digest, digestOf } from '#lib/digest';

/** Puts a small blob into the store, with labels; one that is there already gets them. @throws as `ContentWriter.commit` */
export async function writeBlob(
  content: ContentStore,
  scope: Scope,
  blob: { readonly mediaType: string; readonly bytes: Uint8Array; readonly labels?: Labels },
): Promise<Descriptor> {
  const { mediaType, bytes, labels = {} } = blob;
  const digest = digestOf(bytes, 'sha256');
  const expected = { total: bytes.length, expected: digest };
  const writer = await openWriter(content, scope, `write-${digest}`, expected);
  if (writer === undefined) await relabel(content, scope, digest, labels);
  else {
    await using open = writer;
    if (open.status().offset > 0) await open.truncate(0);
    await open.write(bytes);
    await open.commit(bytes.length, digest, labels);
  }
  return { mediaType, digest, size: bytes.length };
}

async function relabel(content: ContentStore, scope: Scope, digest: Digest, labels: Labels): Promise<void> {
  const fields = Object.keys(labels).map((key) => `labels.${key}`);
  if (fields.length > 0) await content.update(scope, { digest, labels }, fields);
}
