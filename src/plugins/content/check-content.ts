import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckedMetadata, CheckPlace, KnownBlob } from '#core/check/store-check';
import { algorithmOf, type Digest, encodedOf, isDigest } from '#lib/digest';

/** Compares the files with what the namespaces have. Reads all blobs when the check is to be deep. */
export async function checkContent(
  { rootDir, report, deep }: CheckPlace<unknown>,
  known: CheckedMetadata,
): Promise<void> {
  const left = new Map(known.blobs);
  const blobs = join(rootDir, 'blobs');
  for (const algorithm of await names(blobs)) {
    for (const name of await names(join(blobs, algorithm))) {
      const path = join(blobs, algorithm, name);
      const digest = `${algorithm}:${name}`;
      if (!isDigest(digest)) {
        await report.add('stray-file', path, 'its name is no digest');
        continue;
      }
      const row = left.get(digest);
      left.delete(digest);
      if (row !== undefined) await checkBlob({ path, digest, row });
      else if (!known.expected.has(digest)) {
        await report.add('blob-orphan', digest, 'no namespace has it', {
          does: 'remove the file',
          run: () => rm(path),
        });
      }
    }
  }
  for (const [digest, { namespaces }] of left) {
    const detail = `in ${namespaces.join(', ')}, and there is no file`;
    // A disk that is not mounted looks like this: who forgot all of it would have it removed when it is back.
    const mend = existsSync(blobs)
      ? {
          does: `forget it in ${namespaces.join(', ')}${lost(known, digest)}`,
          run: () => known.dropBlob(digest),
        }
      : undefined;
    await report.add('blob-missing', digest, mend ? detail : `${detail}, nor a folder ${blobs}`, mend);
  }
  await checkIngests();

  async function checkBlob({ path, digest, row }: { path: string; digest: Digest; row: KnownBlob }): Promise<void> {
    const found = await lstat(path);
    const wrong = async (kind: 'blob-size-differs' | 'blob-corrupt', detail: string) => {
      const aside = join(rootDir, 'damaged');
      await report.add(kind, digest, detail, {
        does: `put the file into ${aside} and forget the blob in ${row.namespaces.join(', ')}${lost(known, digest)}`,
        async run() {
          known.dropBlob(digest);
          await mkdir(aside, { recursive: true, mode: 0o700 });
          await rename(path, join(aside, encodedOf(digest)));
        },
      });
    };
    if (!found.isFile()) return await wrong('blob-size-differs', 'it is no file');
    if (found.size !== row.size) {
      const detail = `${found.size} bytes instead of ${row.size}`;
      if ((await hexOf(path, digest)) !== encodedOf(digest)) return await wrong('blob-size-differs', detail);
      await report.add('blob-size-differs', digest, `${detail}, and they are those of its digest`, {
        does: 'take the size of the file',
        run: () => known.correctBlob(digest, found.size),
      });
      return;
    }
    if (!deep) return;
    const hex = await hexOf(path, digest);
    if (hex !== encodedOf(digest)) await wrong('blob-corrupt', `its bytes are those of ${algorithmOf(digest)}:${hex}`);
  }

  async function checkIngests(): Promise<void> {
    const root = join(rootDir, 'ingest');
    for (const name of await names(root)) {
      const path = join(root, name);
      const ref = existsSync(join(path, 'ref')) ? await readFile(join(path, 'ref'), 'utf8') : '';
      const isOwn = createHash('sha256').update(ref).digest('hex') === name;
      if (isOwn && known.ingests.has(ref)) continue;
      const detail =
        ref === '' ? 'it has no name' : isOwn ? `no namespace has ${ref}` : `it is not the place of ${ref}`;
      const run = () => rm(path, { recursive: true });
      await report.add('ingest-orphan', path, detail, { does: 'remove it', run });
    }
  }
}

async function hexOf(path: string, digest: Digest): Promise<string> {
  const hash = createHash(algorithmOf(digest));
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const lost = (known: CheckedMetadata, digest: string): string => {
  const users = known.usersOfBlob(digest);
  return users.length === 0 ? '' : `; used by ${users.join(', ')}, to be pulled again`;
};

const names = async (path: string): Promise<string[]> => (existsSync(path) ? (await readdir(path)).sort() : []);
