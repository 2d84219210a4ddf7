import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { isTable, type Raw } from '#base/config';
import { formatToml } from '#base/toml';
import { builtins } from '#daemon/builtins';
import { loadConfig } from '#daemon/config/load';
import { formatEffectiveConfig } from '#daemon/config/print';
import { defaultHost } from '#lib/registry/host';
import { readHostsFile } from '#lib/registry/hosts-file';
import { acceptedLater, type FuzzTarget, holds, same, textOf } from '../target.ts';

/** Where the files are that are read; made when first needed. */
let made: string | undefined;
function directory(): string {
  made ??= mkdtempSync('/dev/shm/berth-fuzz-');
  return made;
}
function close(): void {
  if (made !== undefined) rmSync(made, { recursive: true, force: true });
  made = undefined;
}

/** The daemon's configuration: read or refused with its place; what it comes to prints as a file that reads the same. */
export const configuration: FuzzTarget = {
  name: 'configuration',
  close,
  // A table in two thousand others is printed with the names of all of them, for each.
  maxMs: 5_000,
  words: [
    'version = 2\n',
    'version = 4\n',
    '[plugins]\n',
    "[plugins.'io.containerd.",
    '[grpc]\n',
    '= 1\n',
    "''",
    '[]',
    '{}',
    'imports = []\n',
    '\n',
    '.',
    '[[',
    "'''",
    '1979-05-27',
    'inf',
  ],
  async run(bytes) {
    const text = textOf(bytes);
    // Would read other files, or load code.
    if (/imports|plugin_modules/.test(text.replace(/\\u00../g, 'imports'))) return;
    const file = join(directory(), 'config.toml');
    writeFileSync(file, bytes);
    const config = await acceptedLater(() => loadConfig(file, builtins), 'invalid_argument');
    if (config === undefined) return;
    const printed = formatEffectiveConfig(config);
    writeFileSync(file, printed);
    const again = await loadConfig(file, builtins);
    // Nanoseconds of more than a hundred days are not told exactly.
    if (!/\d{4}h/.test(printed)) same('printed and read again', formatEffectiveConfig(again), printed);
    if (isTable(config.raw) && plain(config.raw)) same('as TOML', parse(formatToml(config.raw)), { ...config.raw });
  },
};

/** Only what we print: no dates, no odd numbers. */
const plain = (raw: Raw): boolean =>
  Array.isArray(raw)
    ? raw.every(plain)
    : isTable(raw)
      ? Object.getPrototypeOf(raw) === Object.prototype && Object.values(raw).every(plain)
      : typeof raw === 'string' || typeof raw === 'boolean' || Number.isSafeInteger(raw);

/** `hosts.toml`: read or refused; every host that comes out can be asked. */
export const hosts: FuzzTarget = {
  name: 'hosts',
  close,
  words: [
    'server = "',
    '[host."https://',
    '[host.',
    '"]\n',
    'capabilities = ["pull"]\n',
    'ca = "',
    'client = [["a","b"]]\n',
    'skip_verify = true\n',
    'override_path = true\n',
    '[header]\n',
    '\\u0000',
    'dial_timeout = "1s"\n',
    '\n',
    '"',
  ],
  async run(bytes) {
    const text = textOf(bytes);
    const usual = defaultHost('registry.example');
    const read = await acceptedLater(() => readHostsFile(text, usual, directory()).catch(missing), 'invalid_argument');
    for (const { host, path, scheme, headers } of read ?? []) {
      const url = new URL(`${scheme === 'probe' ? 'https' : scheme}://${host}${path}/a/b`);
      same('path', url.pathname, `${path}/a/b`);
      holds('no more than a place', url.username + url.password + url.search + url.hash === '');
      new Headers(
        Object.entries(headers).flatMap(([name, values]) =>
          values.map((value): [string, string] => [name, encodeURI(value.toWellFormed())]),
        ),
      );
    }
  },
};

/** Certificates that are not there, or are no files, are the kernel's word. */
function missing(thrown: unknown): never[] {
  const { code } = thrown as NodeJS.ErrnoException;
  if (['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG', 'EACCES', 'ELOOP'].includes(code ?? '')) return [];
  throw thrown;
}
