import { fault, invalidArgument } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { run } from '#sys/process';
import type { Engine } from '../engine.ts';
import { runningTask } from './task-state.ts';

export interface ProcessTable {
  readonly titles: readonly string[];
  /** As many words as titles; the last may hold spaces. */
  readonly rows: readonly (readonly string[])[];
}

/** What this machine's ps says of a container's processes. @throws conflict when it does not run; invalid_argument with what ps says of its options */
export async function processesOf(
  engine: Engine,
  { id }: Container,
  options: readonly string[],
): Promise<ProcessTable> {
  const { client, scope } = engine;
  const task = await runningTask(engine, id);
  if (task.status !== 'running') throw fault('conflict', `Container ${id} is paused, unpause the container before top`);
  const argv = options.length === 0 ? ['-ef'] : options;
  const ran = await run(['ps', ...argv], { env: { PATH: '/usr/bin:/bin' }, signal: scope.signal, maxOutput: 64 << 20 });
  if (ran.exitCode !== 0) throw invalidArgument(`ps: ${ran.stderr.trim().split('\n')[0] ?? ''}`);
  const pids = new Set((await client.tasks.pids(scope, id)).map(({ pid }) => String(pid)));
  return onlyThose(ran.stdout, pids);
}

/** The lines of those processes. A line that belongs to the process above it (threads) goes with it. @throws invalid_argument when there is no column of pids */
export function onlyThose(table: string, pids: ReadonlySet<string>): ProcessTable {
  const [head = '', ...lines] = table.split('\n').filter((line) => line.trim() !== '');
  const titles = head.trim().split(/\s+/);
  const at = titles.indexOf('PID');
  if (at < 0) throw invalidArgument("Couldn't find PID field in ps output");
  const rows: string[][] = [];
  let inside = false;
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    const pid = words[at] ?? '';
    if (pid !== '-') inside = pids.has(pid);
    if (inside) rows.push([...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(' ')]);
  }
  return { titles, rows };
}
