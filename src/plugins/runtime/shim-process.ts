import { readFile } from 'node:fs/promises';
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

/** When a process began, in the kernel's ticks since boot; `undefined` when it is gone. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT' || thrown.code === 'ESRCH') return undefined;
    throw thrown;
  });
  // The program's name, in parentheses, may hold anything; the 20th field behind it is the one.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}
