import { globSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';

export interface DiskNumber {
  readonly major: number;
  readonly minor: number;
}

/** The disks that a pattern of paths (`/dev/sd*`, `/dev/disk/by-id/…`) names, each once; partitions and what is no block device are left out. */
export function diskNumbers(pattern: string): readonly DiskNumber[] {
  const found = new Map<string, DiskNumber>();
  for (const path of globSync(pattern)) {
    const device = realpathSync(path);
    if (!statSync(device).isBlockDevice()) continue;
    const numbers = numbersIn(`/sys/block/${basename(device)}/dev`);
    if (numbers !== undefined) found.set(`${numbers.major}:${numbers.minor}`, numbers);
  }
  return [...found.values()];
}

/** Only whole disks have a directory there. */
function numbersIn(path: string): DiskNumber | undefined {
  try {
    const [major, minor] = readFileSync(path, 'utf8').trim().split(':').map(Number) as [number, number];
    return { major, minor };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
