import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '#core/descriptor';
import type { Mount } from '#core/mount';
import { scopeOf } from '#core/scope';
import { remoteContent } from '#rpc/content/client';
import { remoteDiffer } from '#rpc/diff/client';
import { openTransport } from '#rpc/transport';
import { DebianContainerd } from '../bench/debian-containerd.ts';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { listTree } from '../support/tree-listing.ts';

// A layer that either daemon makes gives the upper tree again, whichever unpacks it; Debian's ctr writes the same by `snapshots diff`.

let theirs: DebianContainerd;
let ours: TestDaemon;
const dir = mkdtempSync('/dev/shm/berth-diffs-');
const scope = scopeOf('diffs');
const tar = 'application/vnd.oci.image.layer.v1.tar';

beforeAll(async () => {
  theirs = await DebianContainerd.start('/dev/shm');
  ours = await startDaemon({ parent: '/dev/shm' });
  for (const name of ['lower', 'upper']) mkdirSync(join(dir, name), { mode: 0o755 });
  sh(join(dir, 'lower'), lower);
  execFileSync('cp', ['-a', `${dir}/lower/.`, join(dir, 'upper')]);
  sh(join(dir, 'upper'), upper);
}, 120_000);

afterAll(async () => {
  await theirs[Symbol.asyncDispose]();
  await ours[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const sh = (cwd: string, script: string) => execFileSync('sh', ['-ec', script], { cwd });
const stamp = "find . -mindepth 1 -exec touch -h -d '2001-02-03T04:05:06.123456789Z' {} +";
const lower = `
  mkdir -p etc/sub gone/deep opaque type; echo a > etc/a; echo b > etc/b; echo s > etc/sub/s; echo g > gone/deep/g
  echo o > opaque/old; echo t > type/file; mkdir type/dir; ln -s a etc/link; echo 1 > hard1; ln hard1 hard2; ${stamp}`;
const upper = `
  rm -r gone type/file type/dir etc/b; mkdir type/file; echo n > type/file/inner; echo f > type/dir
  rm -r opaque; mkdir opaque; echo new > opaque/new; chmod 700 etc/sub
  mkdir new; echo x > new/x; ln new/x new/y; ln new/x z; chown 3000000:4000000000 new/x; mkfifo new/fifo; mknod new/null c 1 3; mknod new/disk b 8 200
  echo p > new/ping; setcap cap_net_raw+ep new/ping 2>/dev/null || setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 new/ping
  setfattr -n user.note -v 'some text' new/x; echo u > new/suid; chmod 6755 new/suid; ln -sf other etc/link
  truncate -s 5M new/sparse; echo data | dd of=new/sparse bs=1 seek=3000000 conv=notrunc status=none
  mkdir -p "new/$(printf 'n%.0s' $(seq 200))/$(printf 'm%.0s' $(seq 200))"; echo s > new/snö; ln -s "$(printf 'l%.0s' $(seq 180))" new/longlink; mkdir new/sticky; chmod 1777 new/sticky
  ${stamp}; touch -d '2019-08-07T06:05:04.000000001Z' new/ping`;

const bind = (path: string): readonly Mount[] => [
  { type: 'bind', source: join(dir, path), target: '', options: ['rbind', 'rw'] },
];
const engines = { ours: () => ours.address, theirs: () => theirs.address };
type Engine = keyof typeof engines;

async function layerBy(engine: Engine, mediaType: string): Promise<{ layer: Descriptor; bytes: Buffer }> {
  using transport = openTransport(engines[engine]());
  const layer = await remoteDiffer(transport).compare(scope, bind('lower'), bind('upper'), {
    mediaType,
    ref: `r-${Math.random()}`,
  });
  await using reader = await remoteContent(transport).open(scope, layer.digest);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < layer.size; at += parts.at(-1)?.length ?? 0) parts.push(await reader.read(at, layer.size - at));
  return { layer, bytes: Buffer.concat(parts) };
}

async function applyBy(engine: Engine, layer: Descriptor, bytes: Buffer, to: string): Promise<Descriptor> {
  using transport = openTransport(engines[engine]());
  const content = remoteContent(transport);
  if ((await content.info(scope, layer.digest).catch(() => undefined)) === undefined) {
    await using writer = await content.writer(scope, layer.digest, { total: layer.size, expected: layer.digest });
    await writer.write(bytes);
    await writer.commit(layer.size, layer.digest, { 'containerd.io/gc.root': 'x' });
  }
  mkdirSync(join(dir, to));
  execFileSync('cp', ['-a', `${dir}/lower/.`, join(dir, to)]);
  return await remoteDiffer(transport).apply(scope, layer, bind(to));
}

for (const mediaType of [tar, `${tar}+gzip`]) {
  for (const maker of ['ours', 'theirs'] as const) {
    test(`made by ${maker}: ${mediaType}`, async () => {
      const { layer, bytes } = await layerBy(maker, mediaType);
      expect(layer.mediaType).toBe(mediaType);
      const unpacked = async (engine: Engine) => {
        const to = `${maker}-${engine}-${mediaType.slice(-4)}`;
        const applied = await applyBy(engine, layer, bytes, to);
        if (mediaType === tar) expect(applied.digest).toBe(layer.digest);
        return listTree(join(dir, to));
      };
      const theirTree = await unpacked('theirs');
      expect(await unpacked('ours')).toEqual(theirTree);
      // 1.6 itself writes whole seconds and no attributes of users.
      const wanted = listTree(join(dir, 'upper'));
      const coarse = (line: string) => line.replace(/(-?\d+)\.\d+(?= |$)/, '$1').replace(/ user\.\S+/, '');
      if (maker === 'ours') expect(theirTree).toEqual(wanted);
      else expect(theirTree.map(coarse)).toEqual(wanted.map(coarse));
    }, 120_000);
  }
}
