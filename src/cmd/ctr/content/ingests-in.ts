import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument, isFault } from '#base/errors';
import { fromMillis, type Timestamp } from '#base/timestamp';

/** One ingest of a content store's directory. */
export interface StoredIngest {
  readonly ref: string;
  readonly offset: number;
  readonly startedAt: Timestamp;
}

/** The ingests in a content store's own directory, as containerd and Berth lay it out, whose refs match. @throws not_found for the directory */
export async function ingestsIn(root: string, pattern = ''): Promise<readonly StoredIngest[]> {
  const wanted = expressionOf(pattern);
  await stat(root);
  const found: StoredIngest[] = [];
  for (const name of await orNothing(readdir(join(root, 'ingest')), [])) {
    const directory = join(root, 'ingest', name);
    const ref = await orNothing(readFile(join(directory, 'ref'), 'utf8'), '');
    if (ref === '' || !wanted.test(ref)) continue; // one of those that are just beginning or ending
    const size = await orNothing(
      stat(join(directory, 'data')).then((info) => info.size),
      0,
    );
    const since = await stat(directory);
    const started = Date.parse(await orNothing(readFile(join(directory, 'startedat'), 'utf8'), ''));
    found.push({ ref, offset: size, startedAt: fromMillis(Number.isNaN(started) ? since.mtimeMs : started) });
  }
  return found.sort((a, b) => (a.ref < b.ref ? -1 : 1));
}

function expressionOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (thrown) {
    throw invalidArgument(`regexp ${JSON.stringify(pattern)}`, thrown);
  }
}

async function orNothing<T>(work: Promise<T>, nothing: T): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return nothing;
    throw thrown;
  }
}
