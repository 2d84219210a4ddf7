import { isAbsolute, join, normalize } from 'node:path';
import { invalidArgument, notImplemented } from '#base/errors';
import { parseSize } from './size.ts';

/** Something mounted in a container: read from `-v` or `--mount`, or put together by a program. */
export interface VolumeRequest {
  readonly type: 'bind' | 'volume' | 'image';
  /** A path, a volume's name, an image; empty: a volume of its own. */
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
  /** Whether what is mounted below is read-only too; absent: where the kernel can. */
  readonly readOnlyBelow?: 'never' | 'must';
  /** What is mounted below stays out. */
  readonly nonRecursive?: boolean;
  /** `rprivate` when absent. */
  readonly propagation?: string;
  /** A directory is made where there is none. */
  readonly createSource?: boolean;
  /** A new volume does not begin with what the image has there. */
  readonly noCopy?: boolean;
  /** A directory in the volume or the image. */
  readonly subpath?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly driver?: string;
  readonly driverOptions?: Readonly<Record<string, string>>;
  /** Given SELinux's label for containers. */
  readonly relabel?: boolean;
  /** As `-v` had it: docker's `Binds`. */
  readonly bind?: string;
  readonly mode?: string;
}

export interface TmpfsRequest {
  readonly target: string;
  /** Of mount(8), after docker's custom of `noexec,nosuid,nodev`. */
  readonly options: readonly string[];
  /** Of `--mount`, which docker keeps apart. */
  readonly isMount?: boolean;
}

export interface VolumesFrom {
  readonly container: string;
  readonly mode: '' | 'ro' | 'rw';
}

const propagations = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

/** Reads `/inside`, `name:/inside`, `/host:/inside:ro,rslave`. @param cwd what `./x` is relative to @throws invalid_argument in docker's words */
export function parseVolume(text: string, cwd: string): VolumeRequest {
  if (text === '') throw invalidArgument('invalid empty volume spec');
  const parts = text.split(':');
  if (parts.length === 1) return { type: 'volume', source: '', target: checkTarget(text, text), bind: text };
  if (parts.length > 3) throw invalidArgument(`invalid spec: ${text}: too many colons`);
  if (parts.some((part) => part === '')) throw invalidArgument(`invalid spec: ${text}: empty section between colons`);
  const [given = '', target = '', mode = ''] = parts;
  const isPath = isAbsolute(given) || given === '.' || given === '..' || /^\.{1,2}\//.test(given) || given === '~';
  const source = isPath ? normalize(join(isAbsolute(given) ? '/' : cwd, given)) : given;
  if (!isPath) checkVolumeName(source);
  return {
    type: isPath ? 'bind' : 'volume',
    source: source.length > 1 ? source.replace(/\/$/, '') : source,
    target: checkTarget(target, text),
    ...(isPath && { createSource: true }),
    ...modeOf(mode, isPath),
    bind: [source, target, ...(mode === '' ? [] : [mode])].join(':'),
    mode,
  };
}

/** @throws invalid_argument in docker's words */
export function checkVolumeName(name: string): void {
  if (name.length > 255)
    throw invalidArgument(`create ${name.slice(0, 32)}…: a volume's name has at most 255 characters`);
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
    throw invalidArgument(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
}

/** @throws invalid_argument in docker's words for a place that a mount cannot have */
export function checkTarget(target: string, spec: string): string {
  const bad = (why: string) => invalidArgument(`invalid volume specification: '${spec}': ${why}`);
  if (!isAbsolute(target)) throw bad(`invalid mount path: '${target}' mount path must be absolute`);
  const clean = normalize(target).replace(/(.)\/$/, '$1');
  if (clean === '/') throw bad("invalid mount config: destination can't be '/'");
  if (clean.includes('\0')) throw bad('a path has no NUL');
  return clean;
}

function modeOf(text: string, isPath: boolean): Partial<VolumeRequest> {
  const bad = () => invalidArgument(`invalid mode: ${text}`);
  let read: Partial<VolumeRequest> = {};
  const kinds = new Set<string>();
  for (const word of text === '' ? [] : text.split(',')) {
    const [kind, change] = modeWord(word, isPath) ?? [];
    if (kind === undefined || kinds.has(kind)) throw bad();
    kinds.add(kind);
    read = { ...read, ...change };
  }
  return read;
}

/** What kind of word it is, of which there may be one, and what it changes. */
function modeWord(word: string, isPath: boolean): readonly [string, Partial<VolumeRequest>] | undefined {
  if (word === 'rw') return ['access', {}];
  if (word === 'ro') return ['access', { readOnly: true }];
  if (word === 'rro') return ['access', { readOnly: true, readOnlyBelow: 'must' }];
  if (word === 'nocopy' && !isPath) return ['copy', { noCopy: true }];
  if (propagations.has(word) && isPath) return ['propagation', { propagation: word }];
  if (word === 'bind' && isPath) return ['recursion', { nonRecursive: true }];
  if (word === 'rbind' && isPath) return ['recursion', {}];
  if (word === 'z' || word === 'Z') return ['label', { relabel: true }];
  // How soon a file is seen on a Mac.
  if (['consistent', 'cached', 'delegated'].includes(word)) return ['consistency', {}];
  return undefined;
}

/** Reads `container`, `container:ro`. @throws invalid_argument in docker's words */
export function parseVolumesFrom(text: string): VolumesFrom {
  const [container = '', mode = '', ...rest] = text.split(':');
  if (container === '') throw invalidArgument(`malformed volumes-from specification: ${text}`);
  if (rest.length > 0 || !['', 'ro', 'rw', 'z', 'Z'].includes(mode))
    throw invalidArgument(`invalid mode: ${[mode, ...rest].join(':')}`);
  return { container, mode: mode === 'ro' || mode === 'rw' ? mode : '' };
}

const tmpfsFlags = new Set(
  (
    'ro rw exec noexec suid nosuid dev nodev sync async dirsync remount mand nomand atime noatime diratime nodiratime relatime ' +
    'norelatime strictatime nostrictatime private rprivate shared rshared slave rslave unbindable runbindable'
  ).split(' '),
);
const tmpfsValues = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

/** Reads `/inside`, `/inside:size=64m,exec`. @throws invalid_argument in docker's words */
export function parseTmpfs(text: string): TmpfsRequest {
  const colon = text.indexOf(':');
  const place = colon < 0 ? text : text.slice(0, colon);
  if (!isAbsolute(place)) throw invalidArgument(`invalid mount path: '${place}' mount path must be absolute`);
  const options =
    colon < 0
      ? []
      : text
          .slice(colon + 1)
          .split(',')
          .filter((one) => one !== '');
  for (const option of options) {
    const [name = '', value] = option.split('=', 2);
    if (!(value === undefined ? tmpfsFlags : tmpfsValues).has(name))
      throw invalidArgument(`invalid tmpfs option [${JSON.stringify(option)}]`);
    if (name === 'size' && value !== undefined && !value.endsWith('%')) parseSize(value);
  }
  return { target: checkTarget(place, text), options };
}

/** Volumes are directories of this machine. @throws not_implemented for every other driver */
export function checkVolumeDriver(name: string): void {
  if (name !== '' && name !== 'local')
    throw notImplemented(
      `error looking up volume plugin ${name}: plugin ${JSON.stringify(name)} not found; there is only "local"`,
    );
}
