import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '#client/client';
import type { Scope } from '#core/scope';
import type { TestDaemon } from './daemon.ts';

const patienceMs = 60_000;

/**
 * What work in one namespace has left behind when it should have left nothing, one line each; waits a while for what is removed when
 * nobody waits. Images, blobs and committed snapshots are not counted: `checkStore` tells whether those belong to somebody.
 */
export async function leftBehind(daemon: TestDaemon, client: Client, scope: Scope): Promise<readonly string[]> {
  let left: readonly string[] = [];
  for (const end = Date.now() + patienceMs; Date.now() < end; ) {
    left = [...(await inTheStore(client, scope)), ...onTheMachine(daemon, scope.namespace)];
    if (left.length === 0) break;
    await wait(50);
  }
  return left;
}

async function inTheStore(client: Client, scope: Scope): Promise<readonly string[]> {
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  const left: string[] = [];
  for await (const { name, kind } of snapshotter.walk(scope)) if (kind !== 'committed') left.push(`${kind} ${name}`);
  for (const { ref } of await client.content.statuses(scope)) left.push(`ingest ${ref}`);
  for (const { id } of await client.leases.list(scope)) left.push(`lease ${id}`);
  for (const { id } of await client.containers.list(scope)) left.push(`container ${id}`);
  for (const { id } of await client.tasks.list(scope)) left.push(`task ${id}`);
  return left;
}

/** Bundles, runc's records, control groups, mounts and processes. */
export function onTheMachine({ directory, state, root, pid }: TestDaemon, namespace: string): readonly string[] {
  const tasks = 'io.containerd.runtime.v2.task';
  const hierarchies = entries('/sys/fs/cgroup').map((name) => join('/sys/fs/cgroup', name));
  const places = [
    join(state, tasks, namespace),
    join(root, tasks, namespace),
    join('/run/containerd/runc', namespace),
    ...hierarchies.map((path) => join(path, namespace)),
  ];
  return [
    ...places.flatMap((path) => directories(path).map((name) => join(path, name))),
    ...mountsBelow(directory).map((path) => `mount ${path}`),
    ...processesNaming(directory, pid),
  ];
}

/** Removes the empty directories that stay for a namespace that had containers: runc's, and of control groups. @throws when one is not empty */
export function forgetNamespace(namespace: string): void {
  const groups = entries('/sys/fs/cgroup').map((name) => join('/sys/fs/cgroup', name, namespace));
  for (const path of [...groups, join('/run/containerd/runc', namespace)]) if (existsSync(path)) rmdirSync(path);
}

/** Descriptors that a daemon has open on files that only tasks have. */
export function taskDescriptors({ pid, state }: TestDaemon): readonly string[] {
  return entries(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return target.startsWith(join(state, 'io.containerd.runtime.v2.task/')) ? [target] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

export const mountsBelow = (directory: string): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${directory}/`));

/** Programs that were started with the directory on their command line (shims), but for one. */
export function processesNaming(directory: string, except: number): readonly string[] {
  return entries('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === except || Number(name) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return command.includes(`${directory}/`) ? [`process ${name} ${command}`] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

const entries = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);
const directories = (path: string): readonly string[] =>
  existsSync(path)
    ? readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    : [];
