import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openClient } from '#client/client';
import { pull } from '#client/transfer';
import { scopeOf } from '#core/scope';
import { startDaemon } from '#test/support/daemon';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';

const kills = Number(process.env.BERTH_KILLS ?? 12);

test(
  'a daemon killed at random moments of pulls opens its store, completes the pull, and collects everything else',
  async () => {
    await using registry = await FakeRegistry.start();
    await using daemon = await startDaemon({ parent: '/dev/shm' });
    const scope = scopeOf('test');
    for (let round = 0; round < kills; round++) {
      const files = (part: number) =>
        Object.fromEntries(
          Array.from({ length: 40 }, (_, i) => [`f${part}-${i}`, randomBytes(20_000 * (part + 1))] as const),
        );
      const image = sampleImage([0, 1, 2, 3].map((part) => sampleLayer(files(part))));
      publish(registry, 'a/b', `r${round}`, image);
      const reference = `${registry.host}/a/b:r${round}`;
      {
        await using client = openClient(daemon.address);
        const running = pull(client, scope, reference).catch(() => undefined);
        // Sometimes between two steps of the pull, sometimes after its end.
        await wait(Math.random() * 250);
        await daemon.kill('SIGKILL');
        await running;
      }
      await daemon.start();
      await using client = openClient(daemon.address);
      const pulled = await pull(client, scope, reference);
      expect(pulled.target.digest as string).toBe(image.manifest.digest);
      await client.images.delete(scope, reference, { sync: true });
      expect(await leftovers()).toEqual({ round, blobs: [], ingests: [], snapshots: [], leases: [], keys: [] });

      async function leftovers() {
        const snapshotter = await client.snapshotter(scope, 'overlayfs');
        const keys: string[] = [];
        for await (const { name } of snapshotter.walk(scope)) keys.push(name);
        // Directories of snapshots go after the collection, when nobody waits.
        const of = (...path: string[]) => readdirSync(join(daemon.root, ...path));
        const trees = () => of('io.containerd.snapshotter.v1.overlayfs', 'snapshots');
        for (let waited = 0; waited < 2_000 && trees().length > 0; waited++) await wait(20);
        return {
          round,
          blobs: of('io.containerd.content.v1.content', 'blobs', 'sha256'),
          ingests: of('io.containerd.content.v1.content', 'ingest'),
          snapshots: trees(),
          leases: (await client.leases.list(scope)).map(({ id }) => id),
          keys,
        };
      }
    }
  },
  { timeout: 120_000 + kills * 20_000 },
);
