import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { kill } from '#sys/process';

/** How long a plugin of an earlier life may go on: it may be about to finish. */
const patienceMs = 3_000;

/** Waits for CNI plugins that still run for a container, and ends those that take too long. */
export async function endPluginsOf(containerId: string): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const pids = await pluginsOf(containerId);
    if (pids.length === 0) return;
    if (performance.now() > until) for (const pid of pids) kill(pid, 'SIGKILL');
    await wait(20);
  }
}

async function pluginsOf(containerId: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => ''); // it has ended meanwhile
    if (environment.split('\0').includes(`CNI_CONTAINERID=${containerId}`)) found.push(Number(name));
  }
  return found;
}
