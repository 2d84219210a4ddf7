import { glob, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { isTable, mismatch, type RawTable } from '#base/config';
import { invalidArgument, isFault, wrap } from '#base/errors';
import { newestVersion } from './schema.ts';

/** One file as it was read. */
export interface ConfigFile {
  readonly file: string;
  /** What it says, or what the file that imported it says; 1 when nobody does. */
  readonly version: number;
  readonly raw: RawTable;
}

/**
 * Reads a file and all that it imports, breadth first; a file that was met before is not read again. With `usualImports`, the file need not
 * be there, and imports those if it names none.
 *
 * @throws not_found, invalid_argument naming the file
 */
export async function readConfigFiles(path: string, usualImports?: readonly string[]): Promise<readonly ConfigFile[]> {
  const found: ConfigFile[] = [];
  const seen = new Set<string>();
  const main = usualImports === undefined ? undefined : await mainFile(resolve(path), usualImports);
  if (main !== undefined) {
    seen.add(main.file);
    found.push(main);
  }
  const waiting: { readonly path: string; readonly version: number }[] =
    main === undefined
      ? [{ path: resolve(path), version: 1 }]
      : (await importsOf(main)).map((imported) => ({ path: imported, version: main.version }));
  for (const next of waiting) {
    if (seen.has(next.path)) continue;
    seen.add(next.path);
    const read = await readConfigFile(next.path, next.version);
    found.push(read);
    for (const imported of await importsOf(read)) waiting.push({ path: imported, version: read.version });
  }
  return found;
}

async function mainFile(path: string, usualImports: readonly string[]): Promise<ConfigFile> {
  const read = await readConfigFile(path, 1).catch((thrown: unknown) => {
    if (isFault(thrown, 'not_found')) return { file: path, version: newestVersion, raw: {} as RawTable };
    throw thrown;
  });
  return read.raw.imports === undefined ? { ...read, raw: { ...read.raw, imports: [...usualImports] } } : read;
}

async function readConfigFile(path: string, inherited: number): Promise<ConfigFile> {
  const content = await readFile(path, 'utf8').catch((thrown: unknown) => {
    throw wrap(thrown, 'configuration');
  });
  const raw = parseToml(path, content);
  const version = raw.version ?? inherited;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1 || version > newestVersion) {
    throw mismatch(`a version from 1 to ${newestVersion}`, version, {
      file: path,
      path: ['version'],
      unknown: () => {},
    });
  }
  return { file: path, version, raw };
}

function parseToml(path: string, content: string): RawTable {
  try {
    return parse(content) as RawTable;
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw wrap(thrown, path);
    const [what = ''] = thrown.message.replace('Invalid TOML document: ', '').split('\n');
    throw invalidArgument(`${path}: line ${thrown.line}, column ${thrown.column}: ${what}`, thrown);
  }
}

async function importsOf({ file, raw }: ConfigFile): Promise<readonly string[]> {
  const imports = raw.imports ?? [];
  if (!Array.isArray(imports) || imports.some((each) => typeof each !== 'string')) {
    throw mismatch('an array, each element a string', imports, { file, path: ['imports'], unknown: () => {} });
  }
  const paths: string[] = [];
  for (const each of imports as readonly string[]) {
    const absolute = isAbsolute(each) ? each : join(dirname(file), each);
    if (/[*?[]/.test(absolute)) paths.push(...(await expand(absolute)));
    else paths.push(resolve(absolute));
  }
  return paths;
}

async function expand(pattern: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const path of glob(pattern)) found.push(resolve(path));
  return found.sort();
}

/** The table under `key`, or an empty one. */
export function tableAt(raw: RawTable, key: string): RawTable {
  const value = raw[key];
  return isTable(value) ? value : {};
}
