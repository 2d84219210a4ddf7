import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, rmdirSync } from 'node:fs';
import type { Engine } from './engine.ts';

/** Namespace of everything that is measured; nobody else's on this machine, for runc and control groups are shared with all daemons. */
export const namespace = `bench-${process.pid}`;

/** Runs Debian's `ctr` at a daemon; its output goes nowhere. @throws when it fails, with what it said */
export const ctr = (engine: Engine, ...args: readonly string[]): Promise<void> =>
  finish('/usr/bin/ctr', ['-a', engine.address, '-n', namespace, ...args]);

/** Runs Debian's `ctr` with a file as its input. @throws when it fails */
export const ctrFrom = (input: string, engine: Engine, ...args: readonly string[]): Promise<void> =>
  finish('/usr/bin/ctr', ['-a', engine.address, '-n', namespace, ...args], input);

/** Runs the `ctr` of the daemon's own package at it. @throws when it fails */
export const itsCtr = (engine: Engine, ...args: readonly string[]): Promise<void> =>
  finish(engine.ownCtr, ['-a', engine.address, '-n', namespace, ...args]);

/** What Debian's `ctr` prints. @throws when it fails */
export async function ctrOutput(engine: Engine, ...args: readonly string[]): Promise<string> {
  const child = spawn('/usr/bin/ctr', ['-a', engine.address, '-n', namespace, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`ctr ${args.join(' ')}: exit code ${code}`);
  return text;
}

/** Ends what a measure that failed left running, so that nothing outlives the daemons; then no control group is left. */
export async function endContainers(engines: readonly Engine[]): Promise<void> {
  for (const engine of engines) {
    const ids = (await ctrOutput(engine, 'task', 'ls', '-q')).split('\n').filter((id) => id !== '');
    for (const id of ids) await ctr(engine, 'task', 'rm', '-f', id);
  }
  for (const controller of readdirSync('/sys/fs/cgroup')) {
    const group = `/sys/fs/cgroup/${controller}/${namespace}`;
    if (existsSync(group)) rmdirSync(group);
  }
}

/** Output goes to /dev/null directly, so that reading it costs this process nothing. */
async function finish(program: string, args: readonly string[], input?: string): Promise<void> {
  const stdin = input === undefined ? undefined : openSync(input, 'r');
  try {
    const child = spawn(program, args, { stdio: [stdin ?? 'ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${errors}`);
  } finally {
    if (stdin !== undefined) closeSync(stdin);
  }
}
