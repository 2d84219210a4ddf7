import { readdirSync, readFileSync } from 'node:fs';

/** Processor time that a process and all its threads have used, user and system. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}

/** Resident memory of a process, shared pages in whole. */
export const rssKb = (pid: number): number => field(pid, 'status', 'VmRSS');

/** Resident memory of a process, pages that several share in equal parts. */
export const pssKb = (pid: number): number => field(pid, 'smaps_rollup', 'Pss');

/** The same without files: what a process's own data take, whoever else runs the same program. */
export const ownPssKb = (pid: number): number =>
  field(pid, 'smaps_rollup', 'Pss_Anon') + field(pid, 'smaps_rollup', 'Pss_Shmem');

/** Processes that have this word on their command line: the shims of the daemon at that address. */
export function processesWith(word: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word);
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);
}

const msPerTick = 10;

function field(pid: number, file: string, name: string): number {
  const value = new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1];
  if (value === undefined) throw new Error(`no ${name} of process ${pid}`);
  return Number(value);
}
