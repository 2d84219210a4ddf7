import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defer } from '#base/disposal';
import { silent } from '#base/log';
import { memoryContent } from '#core/content/memory';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { asBackend } from './metadata.fixture.ts';
import { openMetadata } from './open-metadata.ts';

const scope = scopeOf('a');
const open = (path: string) =>
  openMetadata(path, {
    ...{ content: asBackend(memoryContent()), snapshotters: new Map(), log: silent, policy: 'shared' as const },
    events: { publish: async () => {} },
  });

function run(...args: string[]): void {
  const { status, stderr } = spawnSync(args[0] as string, args.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr} (this test needs root)`);
}

test('a full disk refuses changes, keeps what there is, and is forgiven when there is room again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-full-'));
  run('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir);
  using _ = defer(() => {
    run('umount', dir);
    rmdirSync(dir);
  });
  const path = join(dir, 'meta.sqlite');
  let made = 0;
  {
    await using metadata = await open(path);
    const image = (n: number) => ({
      ...{ name: `image-${n}`, target: { mediaType: 'm', digest: digestOf('x'), size: 1 } },
      labels: { k: 'x'.repeat(4000) },
    });
    writeFileSync(join(dir, 'ballast'), Buffer.alloc(1 << 19));
    while ((await faultOf(metadata.images.create(scope, image(made)))) === 'none') made++;
    expect(made).toBeGreaterThan(20);
    expect(await faultOf(metadata.images.create(scope, image(made)))).toBe('resource_exhausted');
    expect((await metadata.images.list(scope)).length).toBe(made);
    rmSync(join(dir, 'ballast'));
    await metadata.images.create(scope, image(made++));
  }
  await using metadata = await open(path);
  expect((await metadata.images.list(scope)).length).toBe(made);
});
