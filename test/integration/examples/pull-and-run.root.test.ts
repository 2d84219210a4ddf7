import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openClient } from '#client/client';
import { scopeOf } from '#core/scope';
import { busyboxImage } from '#test/support/busybox-image';
import { startDaemon } from '#test/support/daemon';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish } from '#test/support/sample-image';

const top = new URL('../../..', import.meta.url).pathname;

async function example(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['examples/pull-and-run.ts', ...args], {
    cwd: top,
    env: { ...process.env, ...env },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes: Buffer) => (said.stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (said.stderr += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

test('the example pulls, runs, hands on output and exit code, and leaves only the image', async () => {
  await using daemon = await startDaemon({ built: true });
  await using registry = await FakeRegistry.start();
  publish(registry, 'a/busybox', 'v1', busyboxImage());
  const reference = `${registry.host}/a/busybox:v1`;
  const env = { CONTAINERD_ADDRESS: daemon.address, CONTAINERD_NAMESPACE: 'example' };
  const { code, stdout, stderr } = await example([reference, 'sh', '-c', 'echo out; echo err >&2; exit 7'], env);
  expect({ code, stdout }).toEqual({ code: 7, stdout: 'out\n' });
  expect(stderr).toStartWith(`pulled ${reference} sha256:`);
  expect(stderr).toEndWith('\nerr\n');

  const failed = await example([reference, '/not-there'], env);
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toContain('/not-there');

  await using client = openClient(daemon.address);
  const scope = scopeOf('example');
  expect(await client.containers.list(scope)).toEqual([]);
  expect(await client.tasks.list(scope)).toEqual([]);
  expect((await client.images.list(scope)).map(({ name }) => name)).toEqual([reference]);
});
