import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { defer } from '#base/disposal';
import { silent } from '#base/log';
import { openLocalStore } from '#plugins/content/local-store';
import { NativeSnapshotter } from '#plugins/snapshots/native/native-snapshotter';
import { serveContent } from '#rpc/content/server';
import { createGrpcServer } from '#rpc/grpc-server';
import { listen } from '#rpc/listen';
import { serveSnapshots } from '#rpc/snapshots/server';
import { busyboxImage } from '#test/support/busybox-image';
import { startDaemon } from '#test/support/daemon';
import { writeOciArchive } from '#test/support/oci-archive';

// What [proxy_plugins] declares: here a server in this process keeps what belongs to the daemon.

const image = 'example.com/a/busybox:v1';

test('an image lives in a content store and a snapshotter of other processes, and our own content store is off', async () => {
  const directory = mkdtempSync('/dev/shm/berth-proxies-');
  using _ = defer(() => rmSync(directory, { recursive: true }));
  const archive = join(directory, 'image.tar');
  writeOciArchive(archive, image, { 'linux/amd64': busyboxImage() });
  await using server = createGrpcServer();
  server.mount(serveContent(await openLocalStore(join(directory, 'content'), silent)));
  const snapshots = join(directory, 'snapshots');
  mkdirSync(snapshots);
  server.mount(serveSnapshots(new Map([['far-snapshots', await NativeSnapshotter.open(snapshots, silent)]])));
  const address = await listen(server, join(directory, 'far.sock'));
  await using daemon = await startDaemon({
    parent: '/dev/shm',
    topConfig: "disabled_plugins = ['io.containerd.content.v1.content']",
    config: `[proxy_plugins.far]\ntype = 'content'\naddress = '${address}'\n[proxy_plugins.far-snapshots]\ntype = 'snapshot'\naddress = '${address}'`,
  });
  const ctr = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await daemon.ctr('-n', 'here', ...args);
    if (code !== 0) throw new Error(`ctr ${args.join(' ')}: ${stderr}\n${daemon.log}`);
    return stdout;
  };
  await ctr('images', 'import', '--snapshotter', 'far-snapshots', archive);
  expect(await ctr('images', 'check', '--snapshotter', 'far-snapshots')).toMatch(/complete .* true/);
  const [, digest = ''] = /(sha256:\S+)/.exec(await ctr('images', 'ls')) ?? [];
  const blobs = join(directory, 'content/blobs/sha256');
  expect(readFileSync(join(blobs, digest.slice(7)), 'utf8')).toBe(await ctr('content', 'get', digest));
  expect((await ctr('content', 'ls', '-q')).split('\n')).toContain(digest);
  const [top = ''] = /^sha256:\S+/m.exec(await ctr('snapshots', '--snapshotter', 'far-snapshots', 'ls')) ?? [];
  await ctr('snapshots', '--snapshotter', 'far-snapshots', 'prepare', 'mine', top);
  expect(await ctr('snapshots', '--snapshotter', 'far-snapshots', 'mounts', '/mnt', 'mine')).toContain(snapshots);
  const copies = () =>
    readdirSync(snapshots, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('bin/busybox'));
  expect(copies()).toHaveLength(2);
  await ctr('snapshots', '--snapshotter', 'far-snapshots', 'rm', 'mine');
  await ctr('images', 'rm', '--sync', image);
  expect(readdirSync(blobs)).toEqual([]);
  expect((await ctr('snapshots', '--snapshotter', 'far-snapshots', 'ls')).trim().split('\n')).toHaveLength(1);
  expect(copies()).toEqual([]);
  expect(daemon.log).not.toContain('garbage collection failed');
}, 120_000);

test('without any content store there is no metadata, and the daemon says why', async () => {
  await using daemon = await startDaemon({ topConfig: "disabled_plugins = ['io.containerd.content.v1.content']" });
  const plugins = (await daemon.ctr('plugins', 'ls', '-d', 'id==bolt')).stdout;
  expect(plugins).toContain('io.containerd.content.v1');
  expect((await daemon.ctr('content', 'ls')).stderr).toContain('not implemented');
});
