import { closeSync, openSync, readFileSync, write } from 'node:fs';
import { join } from 'node:path';
import { mountTable } from './mountinfo.ts';

/**
 * Makes moves of processes between control groups quick until it is disposed, and `lingerMs` longer.
 *
 * A move takes a lock of the kernel whose first writer waits for an RCU grace period, 5 to 20 ms, before it may go on; who comes before the
 * next such period is over does not wait. Runtimes move a container's first process, and that of each exec, into its groups one hierarchy after
 * the other, and wait in the first. So the daemon takes that lock itself, as soon as it knows that a runtime will: by moving itself
 * to the group it is in, again and again. The wait goes by while shim and runtime start. Costs 20 µs every few milliseconds, on another thread.
 */
export function quickCgroupMoves(lingerMs = 0): Disposable {
  wanted++;
  if (wanted === 1) void keepMoving();
  let held = true;
  return {
    [Symbol.dispose]: () => {
      if (!held) return;
      held = false;
      if (lingerMs === 0) wanted--;
      else setTimeout(() => wanted--, lingerMs).unref();
    },
  };
}

/** Shorter than any grace period that was seen. */
const intervalMs = 4;
const turnsPerLook = 10;

let wanted = 0;
let moving = false;
let own: { readonly path: string; readonly fd: number } | undefined;

async function keepMoving(): Promise<void> {
  if (moving) return;
  moving = true;
  for (let turn = 0; wanted > 0; turn++) {
    await moveToOwnGroup(turn % turnsPerLook === 0);
    await new Promise((resolve) => setTimeout(resolve, intervalMs).unref());
  }
  moving = false;
}

/** Where it does not succeed nothing is lost but time: the runtime's own moves say what is wrong. */
async function moveToOwnGroup(look: boolean): Promise<void> {
  try {
    if (look) openOwnGroup(ownGroup());
    if (own === undefined) return;
    const { fd } = own;
    await new Promise<void>((resolve) => write(fd, '0', () => resolve()));
  } catch {} // no permission, or a group that is just removed
}

function openOwnGroup(path: string | undefined): void {
  if (own?.path === path) return;
  if (own !== undefined) closeSync(own.fd);
  own = undefined;
  if (path !== undefined) own = { path, fd: openSync(path, 'w') };
}

interface Hierarchy {
  readonly mountpoint: string;
  readonly root: string;
  /** As in /proc/self/cgroup; empty for the unified one. */
  readonly controllers: readonly string[];
}

let hierarchy: Hierarchy | undefined | null = null;

/** Asked again and again: who moves this process elsewhere means it to stay there. */
function ownGroup(): string | undefined {
  if (hierarchy === null) hierarchy = anyHierarchy();
  if (hierarchy === undefined) return undefined;
  const { mountpoint, root, controllers } = hierarchy;
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').split('\n')) {
    const [, names = '', ...rest] = line.split(':');
    const path = rest.join(':');
    if (names !== controllers.join(',') || !path.startsWith(root)) continue;
    return join(mountpoint, path.slice(root === '/' ? 0 : root.length), 'cgroup.procs');
  }
  return undefined;
}

/** The lock is the same for all hierarchies. */
function anyHierarchy(): Hierarchy | undefined {
  const rows = mountTable().filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
  const row = rows.find(({ type }) => type === 'cgroup2') ?? rows[0];
  if (row === undefined) return undefined;
  const named = row.superOptions.find((option) => option.startsWith('name='));
  const controllers = named === undefined ? row.superOptions.filter((option) => known.has(option)) : [named];
  return { mountpoint: row.mountpoint, root: row.root, controllers: row.type === 'cgroup2' ? [] : controllers };
}

const known = new Set(
  readFileSync('/proc/cgroups', 'utf8')
    .split('\n')
    .map((line) => line.split('\t')[0] ?? ''),
);
