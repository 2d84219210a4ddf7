import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Where a compiled Bun executable unpacks a native module, checked at each start and used again: a cache, not a leftover. */
const unpackedAddon = /^\.bun-\d+-[0-9a-f]+\.node$/;

/** What of the machine a test run could leave changed. */
export interface MachineState {
  readonly cgroups: ReadonlySet<string>;
  readonly networkNamespaces: ReadonlySet<string>;
}

export const machineState = (): MachineState => ({
  cgroups: cgroups(),
  networkNamespaces: new Set(entries('/run/netns')),
});

/**
 * What a run left behind, one line each: processes with its mark in their environment, mounts and files below its directory, control
 * groups and network namespaces that were not there before.
 */
export function leftovers(mark: string, directory: string, before: MachineState): readonly string[] {
  const after = machineState();
  return [
    ...processesWith(mark).map((line) => `process ${line}`),
    ...mountsBelow(directory).map((line) => `mount ${line}`),
    ...entries(directory)
      .filter((name) => !unpackedAddon.test(name))
      .map((name) => `file ${join(directory, name)}`),
    ...[...after.cgroups].filter((path) => !before.cgroups.has(path) && !isInUse(path)).map((path) => `cgroup ${path}`),
    ...[...after.networkNamespaces]
      .filter((name) => !before.networkNamespaces.has(name))
      .map((name) => `network namespace ${name}`),
  ];
}

/** Removes a run's directory, which must have no mounts any more. */
export const removeDirectory = (directory: string): void => rmSync(directory, { recursive: true, force: true });

function processesWith(mark: string): readonly string[] {
  const found: string[] = [];
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark)) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (command !== '' && !isAncestor(Number(pid))) found.push(`${pid} ${command}`);
    } catch (thrown) {
      if (!['ENOENT', 'ESRCH', 'EACCES'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
    }
  }
  return found;
}

function isAncestor(pid: number): boolean {
  for (let at = process.pid; at > 1; ) {
    if (at === pid) return true;
    at = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${at}/status`, 'utf8'))?.[1] ?? 0);
  }
  return false;
}

const mountsBelow = (directory: string): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${directory}/`));

/**
 * Whether processes live in a control group or below it. Those are the machine's own, or another run's: a container of ours that lives has a
 * bundle or a shim, and those are found.
 */
function isInUse(path: string): boolean {
  try {
    return (
      readFileSync(join(path, 'cgroup.procs'), 'utf8') !== '' ||
      readdirSync(path, { withFileTypes: true }).some((entry) => entry.isDirectory() && isInUse(join(path, entry.name)))
    );
  } catch (thrown) {
    if (!['ENOENT', 'ENODEV', 'EOPNOTSUPP'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
    return false;
  }
}

/** All control groups three levels deep, of every hierarchy. */
function cgroups(): ReadonlySet<string> {
  const found = new Set<string>();
  const descend = (path: string, depth: number): void => {
    for (const entry of existsSync(path) ? readdirSync(path, { withFileTypes: true }) : []) {
      if (!entry.isDirectory()) continue;
      found.add(join(path, entry.name));
      if (depth > 0) descend(join(path, entry.name), depth - 1);
    }
  };
  descend('/sys/fs/cgroup', 3);
  return found;
}

const entries = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);
