import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The folders of a control group in all hierarchies (v1 and v2) in which it exists. */
export async function cgroupFolders(path: string): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  return mounts.map((mount) => join(mount, path)).filter((folder) => existsSync(folder));
}
