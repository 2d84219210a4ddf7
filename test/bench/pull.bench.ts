import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openClient } from '#client/client';
import { pull } from '#client/transfer';
import { scopeOf } from '#core/scope';
import { run, startDaemon } from '#test/support/daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { benchLayers, publishLayers } from './bench-image.ts';
import { DebianContainerd } from './debian-containerd.ts';

// Pull and unpack of ten layers of some 40 MB from a registry on this machine: our daemon's own transfer, Debian's ctr at our
// daemon, and Debian's ctr at Debian's containerd, in turns, each time into empty stores on the same tmpfs.
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const parent = '/dev/shm';

const directory = mkdtempSync(join(parent, 'berth-bench-'));
try {
  const layers = await benchLayers(directory, 10, 112 << 20);
  await using registry = await DockerRegistry.start(parent);
  const reference = await publishLayers(registry.host, layers);
  const times = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    await timed('ours', () => pullWithOurs(reference));
    await timed("Debian's ctr, our daemon", () => pullFromOurs(reference));
    await timed("Debian's ctr and containerd", () => pullWithDebian(reference));
  }
  const base = median(times.get("Debian's ctr and containerd") ?? []);
  for (const [name, each] of times) {
    const middle = median(each);
    console.log(`${name.padEnd(30)} ${middle.toFixed(0).padStart(7)} ms   ${(middle / base).toFixed(2)}`);
  }

  async function timed(name: string, work: () => Promise<number>): Promise<void> {
    const ms = await work();
    times.set(name, [...(times.get(name) ?? []), ms]);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function pullWithOurs(reference: string): Promise<number> {
  await using daemon = await startDaemon({ parent });
  await using client = openClient(daemon.address);
  await client.version(AbortSignal.timeout(5000));
  const began = performance.now();
  await pull(client, scopeOf('bench'), reference, { onProgress: () => {} });
  return performance.now() - began;
}

async function pullFromOurs(reference: string): Promise<number> {
  await using daemon = await startDaemon({ parent });
  return await timeOf(daemon.address, reference);
}

async function pullWithDebian(reference: string): Promise<number> {
  await using daemon = await DebianContainerd.start(parent);
  return await timeOf(daemon.address, reference);
}

async function timeOf(address: string, reference: string): Promise<number> {
  const began = performance.now();
  const { code, stderr } = await run('/usr/bin/ctr', ['-a', address, 'image', 'pull', '--plain-http', reference]);
  if (code !== 0) throw new Error(stderr);
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
