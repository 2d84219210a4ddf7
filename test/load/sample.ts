import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { mountsBelow, processesNaming } from '#test/support/nothing-left';
import type { Rig } from './rig.ts';

/** What the daemon and its shims hold at a moment. */
export interface Sample {
  readonly seconds: number;
  /** Containers made since the beginning, or that run, as the measure counts. */
  readonly containers: number;
  readonly residentMb: number;
  readonly proportionalMb: number;
  readonly threads: number;
  readonly descriptors: number;
  readonly inotify: number;
  readonly mounts: number;
  readonly cgroups: number;
  readonly shims: number;
  readonly shimsMb: number;
  /** Calls, transfers and the like that are under way, apart from looking. */
  readonly pending: number;
}

export async function sampleOf({ on, debugSocket }: Rig, seconds: number, containers: number): Promise<Sample> {
  const { daemon, scope } = on;
  const status = text(`/proc/${daemon.pid}/status`);
  const links = entries(`/proc/${daemon.pid}/fd`).map((fd) => link(`/proc/${daemon.pid}/fd/${fd}`));
  const shims = processesNaming(daemon.directory, daemon.pid).map((line) => Number(line.split(' ')[1]));
  return {
    seconds,
    containers,
    residentMb: field(status, 'VmRSS') / 1024,
    proportionalMb: pssKb(daemon.pid) / 1024,
    threads: field(status, 'Threads'),
    descriptors: links.length,
    inotify: links.filter((target) => target.includes('inotify')).length,
    mounts: mountsBelow(daemon.directory).length,
    cgroups: entries('/sys/fs/cgroup').reduce(
      (sum, name) => sum + directories(join('/sys/fs/cgroup', name, scope.namespace)).length,
      0,
    ),
    shims: shims.length,
    shimsMb: shims.reduce((sum, pid) => sum + pssKb(pid), 0) / 1024,
    pending: (JSON.parse(await page(debugSocket, '/debug/operations')) as readonly unknown[]).length,
  };
}

/** The kernel's limits that many containers come near to. */
export const limits = (): Readonly<Record<string, string>> => ({
  'open files of a process': text('/proc/self/limits').match(/^Max open files\s+(\d+)/m)?.[1] ?? '',
  'inotify instances': text('/proc/sys/fs/inotify/max_user_instances').trim(),
  'inotify watches': text('/proc/sys/fs/inotify/max_user_watches').trim(),
  processes: text('/proc/sys/kernel/pid_max').trim(),
  mounts: text('/proc/sys/fs/mount-max').trim(),
});

const text = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
};
const link = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
};
const entries = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);
const directories = (path: string): readonly string[] =>
  existsSync(path)
    ? readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    : [];
const field = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
const pssKb = (pid: number): number => field(text(`/proc/${pid}/smaps_rollup`), 'Pss');

function page(socketPath: string, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ socketPath, path }, (response) => {
    let body = '';
    response.on('data', (chunk: Buffer) => (body += chunk.toString()));
    response.on('end', () => resolve(body));
    response.on('error', reject);
  })
    .on('error', reject)
    .end();
  return promise;
}
