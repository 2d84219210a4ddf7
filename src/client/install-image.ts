import { randomBytes } from 'node:crypto';
import { chmod, link, lstat, mkdir, open, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { alreadyExists, isFault, notFound } from '#base/errors';
import { manifestFor } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Scope } from '#core/scope';
import { decompressed } from '#core/transfer/engine/decompress';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { toDisplay } from '#lib/tar/byte-text';
import type { TarEntry } from '#lib/tar/entry';
import { cleanPath, parentOf } from '#lib/tar/paths';
import { TarReader } from '#lib/tar/reader';
import type { Client } from './client.ts';
import { bytesOf } from './uncompress-layer.ts';

export interface InstallOptions {
  /** Besides `bin`, take what is in `lib`. */
  readonly libs: boolean;
  readonly replace: boolean;
  /** Empty: the daemon's managed directory. */
  readonly path: string;
}

/**
 * Puts the programs of an image into a directory of this machine: the files right below `bin`, no others. Each appears whole or not at all.
 * @throws not_found; already_exists for a file that is there and not to be replaced
 */
export async function installImage(client: Client, scope: Scope, image: Image, options: InstallOptions): Promise<void> {
  const root = options.path || (await managedDirectory(client));
  const platforms = onlyPlatform(defaultPlatform());
  const { manifest } = await manifestFor(client.content, scope, image.target, platforms);
  const installation = new Installation(root, options);
  for (const layer of manifest.layers) await installation.take(decompressed(bytesOf(client.content, scope, layer)));
}

async function managedDirectory(client: Client): Promise<string> {
  const [found, ...more] = await client.introspection.plugins(['id==opt']);
  if (found === undefined || more.length > 0) throw notFound('opt service not enabled');
  const { path } = found.exports;
  if (path === undefined || path === '') throw notFound('opt path not exported');
  return path;
}

type Step = { readonly entry: TarEntry } | { readonly data: Uint8Array } | 'end';

const whiteout = '.wh.';

class Installation {
  readonly #root: string;
  readonly #replace: boolean;
  readonly #folders: ReadonlySet<string>;
  /** A later layer of the image may change what an earlier one brought. */
  readonly #own = new Set<string>();

  constructor(root: string, { libs, replace }: InstallOptions) {
    this.#root = root;
    this.#replace = replace;
    this.#folders = new Set(libs ? ['bin', 'lib'] : ['bin']);
  }

  async take(tar: AsyncIterable<Uint8Array>): Promise<void> {
    let steps: Step[] = [];
    const reader = new TarReader({
      entry: (entry) => steps.push({ entry }),
      data: (bytes) => steps.push({ data: bytes }),
      end: () => steps.push('end'),
    });
    await using file = new PendingFile();
    const work = async () => {
      for (const step of steps) {
        if (step === 'end') await file.finish();
        else if ('data' in step) await file.write(step.data);
        else await this.#entry(step.entry, file);
      }
      steps = [];
    };
    for await (const chunk of tar) {
      reader.push(chunk);
      await work();
    }
    reader.finish();
    await work();
  }

  async #entry(entry: TarEntry, file: PendingFile): Promise<void> {
    const name = toDisplay(cleanPath(entry.name)).replace(/^\/+/, '');
    const folder = toDisplay(parentOf(cleanPath(entry.name))).replace(/^\/+/, '');
    if (!this.#folders.has(folder) || !['file', 'link', 'symlink'].includes(entry.type)) return;
    const path = join(this.#root, name);
    const base = name.slice(folder.length + 1);
    if (base.startsWith(whiteout)) {
      const hidden = join(this.#root, folder, base.slice(whiteout.length));
      if (this.#own.delete(hidden)) await rm(hidden, { force: true });
      return;
    }
    if (!this.#replace && !this.#own.has(path) && (await isThere(path)))
      throw alreadyExists(`cannot replace ${name} in ${this.#root}`);
    await mkdir(join(this.#root, folder), { recursive: true, mode: 0o755 });
    this.#own.add(path);
    if (entry.type === 'file') await file.begin(path, entry.mode);
    else await this.#link(entry, path);
  }

  async #link(entry: TarEntry, path: string): Promise<void> {
    const target = toDisplay(entry.linkName);
    const temporary = `${path}.${randomBytes(6).toString('hex')}`;
    if (entry.type === 'symlink') await symlink(target, temporary);
    else {
      const source = join(this.#root, toDisplay(cleanPath(entry.linkName)));
      // A name outside what is installed would lead to somebody else's file.
      if (!this.#own.has(source)) throw notFound(`what ${path} links to: ${target}`);
      await link(source, temporary);
    }
    await rename(temporary, path);
  }
}

/** A file that gets its name when all of it is there. */
class PendingFile implements AsyncDisposable {
  #open:
    | { readonly path: string; readonly temporary: string; readonly handle: Awaited<ReturnType<typeof open>> }
    | undefined;

  async begin(path: string, mode: number): Promise<void> {
    const temporary = `${path}.${randomBytes(6).toString('hex')}`;
    this.#open = { path, temporary, handle: await open(temporary, 'wx', 0o700) };
    await chmod(temporary, mode & 0o7777);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#open?.handle.writeFile(bytes);
  }

  async finish(): Promise<void> {
    if (this.#open === undefined) return;
    const { path, temporary, handle } = this.#open;
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
    this.#open = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#open === undefined) return;
    await this.#open.handle.close();
    await rm(this.#open.temporary, { force: true });
    this.#open = undefined;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return false;
    throw thrown;
  }
}
