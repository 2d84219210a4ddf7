import { spawnSync } from 'node:child_process';

const shim = new URL('./fake-shim.ts', import.meta.url).pathname;
/** What a start of the program takes on a machine that does little else. */
const quietMs = 200;

/** How many times slower than a quiet one this machine is just now, by how long a program takes to start; one at least. */
export function pace(): number {
  const begin = performance.now();
  spawnSync(process.execPath, [shim, '/dev/stdin', '-v'], { input: '{}' });
  return Math.max(1, (performance.now() - begin) / quietMs);
}

/** Times in milliseconds, by name, as they are on this machine. */
export function atPace<T extends Readonly<Record<keyof T, number>>>(quiet: T): T {
  const factor = pace();
  return Object.fromEntries(Object.entries<number>(quiet).map(([name, ms]) => [name, Math.round(ms * factor)])) as T;
}
