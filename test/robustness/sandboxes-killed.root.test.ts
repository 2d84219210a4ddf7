import { expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { classOf, type ErrorClass } from '#base/errors';
import { type Client, openClient } from '#client/client';
import { createSandbox, deleteSandbox, startSandbox } from '#client/sandbox';
import { deleteTaskIfThere } from '#client/task';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { removeContainer, runContainer } from '#test/support/containers';
import { processesNaming } from '#test/support/nothing-left';
import { emptySpec } from '#test/support/sandbox-rig';

const runtime = { name: 'io.containerd.runc.v2' };
const rounds = 8;

/** Sandboxes come and go, each with a container, until the daemon is gone. Notes which were acknowledged, and which were let go of. */
async function traffic({ scope, top }: BusyboxDaemon, client: Client, name: string, made: Set<string>): Promise<void> {
  for (let n = 0; ; n++) {
    const id = `${name}-${n}`;
    const sandbox = await createSandbox(client, scope, { id, runtime, spec: emptySpec });
    made.add(id);
    await startSandbox(client, scope, sandbox);
    await runContainer(client, scope, `${id}-c`, { top, args: ['/bin/sleep', '1000'], sandboxId: id });
    if (n % 2 === 0) continue;
    made.delete(id);
    await deleteSandbox(client, scope, sandbox);
  }
}

/** Why it ended; a lease that could not be given back either hides the reason. */
const endOf = (work: Promise<void>): Promise<ErrorClass | 'none'> =>
  work.then(
    () => 'none' as const,
    (thrown: unknown) => classOf(thrown instanceof SuppressedError ? thrown.suppressed : thrown),
  );

test('wherever the daemon is killed: what was acknowledged runs, and all of it can be removed', async () => {
  await using busybox = await startBusyboxDaemon();
  const { daemon, scope, client } = busybox;
  for (let round = 0; round < rounds; round++) {
    const made = new Set<string>();
    {
      await using busy = openClient(daemon.address);
      const streams = ['a', 'b', 'c'].map((name) => endOf(traffic(busybox, busy, `r${round}${name}`, made)));
      await Bun.sleep(30 + ((round * 97) % 400));
      await daemon.kill('SIGKILL');
      expect(await Promise.all(streams)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    }
    await daemon.start();
    const controller = client.sandboxController('shim');
    for (const id of made) expect((await controller.status(scope, id, 'brief')).state).toMatch(/^SANDBOX_/);
    for (const sandbox of await client.sandboxes.list(scope)) await deleteSandbox(client, scope, sandbox);
    // A shutdown that was acknowledged to nobody may have left the record's sandbox without the record.
    const bundles = join(daemon.state, 'io.containerd.sandbox.controller.v1.shim', scope.namespace);
    for (const id of existsSync(bundles) ? readdirSync(bundles) : []) await controller.shutdown(scope, id);
    for (const { id } of await client.containers.list(scope)) {
      await deleteTaskIfThere(client, scope, id, 'kill');
      await removeContainer(client, scope, id);
    }
    const left = processesNaming(daemon.address, process.pid).filter((line) => line.includes('containerd-shim'));
    expect([...left, ...(existsSync(bundles) ? readdirSync(bundles) : [])]).toEqual([]);
  }
  expect(daemon.log).not.toContain('failed to take back');
}, 180_000);
