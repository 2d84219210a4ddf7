import { readFileSync } from 'node:fs';

/** One row of `/proc/self/mountinfo`. */
export interface MountRow {
  readonly id: number;
  readonly parent: number;
  readonly major: number;
  readonly minor: number;
  /** The directory of the filesystem that is mounted. */
  readonly root: string;
  readonly mountpoint: string;
  readonly options: readonly string[];
  /** `shared:1`, `master:2`, … */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** All mounts of this process's mount namespace, in the order in which they were made. */
export function mountTable(): MountRow[] {
  return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** The mounts at or below a directory (given as an absolute, resolved path), in the order in which they were made. */
export function mountsBelow(directory: string): MountRow[] {
  const prefix = directory.endsWith('/') ? directory : `${directory}/`;
  return mountTable().filter((row) => row.mountpoint === directory || row.mountpoint.startsWith(prefix));
}

/** The uppermost mount on exactly this path; `undefined` when nothing is mounted there. */
export function findMount(path: string): MountRow | undefined {
  return mountTable().findLast((row) => row.mountpoint === path);
}

/** Reads the kernel's text. A line that is not of its form is left out: the table may change while it is read. */
export function parseMountTable(text: string): MountRow[] {
  return text.split('\n').flatMap((line) => {
    const row = parseRow(line);
    return row === undefined ? [] : [row];
  });
}

function parseRow(line: string): MountRow | undefined {
  const [before = '', after = ''] = splitOnce(line, ' - ');
  const [id, parent, device, root, mountpoint, options, ...propagation] = before.split(' ');
  const [type, source, superOptions] = after.split(' ');
  if (options === undefined || type === undefined || source === undefined) return undefined;
  const [major, minor] = (device ?? '').split(':');
  return {
    id: Number(id),
    parent: Number(parent),
    major: Number(major),
    minor: Number(minor),
    root: unescapeOctal(root ?? ''),
    mountpoint: unescapeOctal(mountpoint ?? ''),
    options: options.split(','),
    propagation,
    type: unescapeOctal(type),
    source: unescapeOctal(source),
    superOptions: superOptions === undefined ? [] : superOptions.split(',').map(unescapeOctal),
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

// The kernel writes space, tab, newline and backslash as \ooo.
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
