import { readdir, readFile, stat } from 'node:fs/promises';
import { classOf } from '#base/errors';
import { holdProcess, type ProcessHandle } from '#sys/process';
import { type Bundle, readBundleFile, writeBundleFile } from './bundle.ts';

const noteName = 'shim.pid';

/** Notes in the bundle which process the shim is, so that a later daemon can end it though it does not answer any more. */
export async function noteShimProcess(bundle: Bundle, pid: number): Promise<void> {
  const since = await startOf(pid);
  if (since !== undefined) await writeBundleFile(bundle, noteName, `${pid} ${since}`);
}

/** The process that was noted, if it still lives: pids are used again, so its start must be the same. */
export async function recallShimProcess(bundle: Bundle): Promise<ProcessHandle | undefined> {
  const [pid, since] = ((await readBundleFile(bundle, noteName)) ?? '').split(' ');
  if (pid === undefined || since === undefined || !/^[1-9]\d*$/.test(pid)) return undefined;
  const held = holdProcess(Number(pid));
  // Looked at after it is held: from here on the pid cannot become another's unnoticed.
  if (held === undefined || (await startOf(held.pid)) === since) return held;
  held[Symbol.dispose]();
  return undefined;
}

/**
 * Kills what works in a bundle's directory and waits for its end: the shim that was started for this container, a shim's `start` or
 * `delete` that hangs, a runtime's command. A container's own processes work in its root, and a shim that serves this container
 * too but was started for another works in that one's bundle. Looks at every process: for the way out, not for every day. Tells whether there was any.
 */
export async function endProcessesIn(bundle: Bundle): Promise<boolean> {
  const home = await identityOf(bundle.path);
  if (home === undefined) return false;
  const ending: Promise<void>[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || (await identityOf(`/proc/${name}/cwd`)) !== home) continue;
    const held = holdProcess(Number(name));
    // Looked at again, as it is held only now.
    if (held !== undefined && (await identityOf(`/proc/${name}/cwd`)) === home) ending.push(end(held));
    else held?.[Symbol.dispose]();
  }
  await Promise.all(ending);
  return ending.length > 0;
}

const endTimeoutMs = 2_000;

async function end(held: ProcessHandle): Promise<void> {
  using _held = held;
  held.signal('SIGKILL');
  // One that the kernel holds up ends later: nobody gains by waiting.
  await held.ended({ signal: AbortSignal.timeout(endTimeoutMs), keepAlive: false }).catch((thrown: unknown) => {
    if (classOf(thrown) !== 'deadline_exceeded') throw thrown;
  });
}

/** What makes a directory the same one under any path; `undefined` when there is none (any more). */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch((thrown: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(thrown.code ?? '')) return undefined;
    throw thrown;
  });
  return found && `${found.dev}:${found.ino}`;
}

/** When a process began, in the kernel's ticks since boot; `undefined` when it is gone. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT' || thrown.code === 'ESRCH') return undefined;
    throw thrown;
  });
  // The program's name, in parentheses, may hold anything; the 20th field behind it is the one.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}
