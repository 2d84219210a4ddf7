import { expect, test } from 'bun:test';
import { setTimeout as wait } from 'node:timers/promises';
import { deleteContainerIfThere, deleteTaskIfThere } from '#client/public';
import { startBusyboxDaemon } from '#test/support/busybox-daemon';

const status = 'containerd.io/restart.status';
const policy = 'containerd.io/restart.policy';
const count = 'containerd.io/restart.count';

async function eventually(holds: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await wait(50)) if (await holds()) return;
  expect(await holds()).toBe(true);
}

test('what ends is started again at once, after kill -9 of the daemon too, as often as its policy says', async () => {
  // Nobody looks at all containers within this test: what happens follows from events.
  const config = `[plugins.'io.containerd.monitor.container.v1.restart']\ninterval = '1h'`;
  await using busybox = await startBusyboxDaemon({ config });
  const { daemon, client, scope } = busybox;
  const run = (id: string, labels: readonly string[], ...command: readonly string[]) =>
    daemon.ctr(
      '-n',
      scope.namespace,
      'run',
      '-d',
      ...labels.flatMap((label) => ['--label', label]),
      'busybox',
      id,
      ...command,
    );
  const starts = async (id: string) => Number((await client.containers.get(scope, id)).labels[count] ?? '0');
  const ids = ['always', 'thrice', 'once'].map((name) => `${name}-${scope.namespace}`);
  const [always, thrice, once] = ids as [string, string, string];
  try {
    expect(await run(always, [`${status}=running`, `${policy}=always`], 'sleep', '0.3')).toMatchObject({ code: 0 });
    expect(await run(thrice, [`${status}=running`, `${policy}=on-failure:3`], 'sh', '-c', 'exit 3')).toMatchObject({
      code: 0,
    });
    expect(await run(once, [], 'sh', '-c', 'exit 3')).toMatchObject({ code: 0 });
    await eventually(async () => (await starts(always)) >= 3 && (await starts(thrice)) === 3);
    const before = await starts(always);
    await daemon.restart('SIGKILL');
    await eventually(async () => (await starts(always)) >= before + 2);
    expect([await starts(thrice), await starts(once)]).toEqual([3, 0]);
    await client.containers.update(
      scope,
      { ...(await client.containers.get(scope, always)), labels: { [status]: 'stopped' } },
      [`labels.${status}`],
    );
    // One may have been on its way; after that there is none, or this never ends.
    let last: number;
    do {
      last = await starts(always);
      await wait(2_000);
    } while ((await starts(always)) !== last);
  } finally {
    for (const id of ids) {
      await deleteTaskIfThere(client, scope, id, 'kill');
      await deleteContainerIfThere(client, scope, await client.containers.get(scope, id));
    }
  }
}, 120_000);
