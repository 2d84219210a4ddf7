import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { mediaTypes } from '#lib/oci/media-types';
import { type Member, tarOf } from '#lib/tar/small-archive';
import { copyTree } from '#sys/fs';
import { Comparer } from '../../src/plugins/diff/comparer.ts';
import { ApplyBench, bind, scope } from '../../src/plugins/diff/layer.fixture.ts';
import { listTree } from '../support/tree-listing.ts';

// The same layers through Debian's containerd and through ours: the trees must be equal.

const dir = mkdtempSync('/dev/shm/berth-oracle-');
const socket = join(dir, 'c.sock');
let containerd: ChildProcess;

beforeAll(async () => {
  const config = join(dir, 'config.toml');
  writeFileSync(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
  const places = ['--root', join(dir, 'root'), '--state', join(dir, 'state'), '--address', socket];
  containerd = spawn('containerd', ['-c', config, ...places], { stdio: 'ignore' });
  for (let tries = 0; !existsSync(socket); tries++) {
    if (tries > 200) throw new Error('containerd did not start');
    await Bun.sleep(50);
  }
});

afterAll(async () => {
  const ended = new Promise((resolve) => containerd.once('exit', resolve));
  containerd.kill();
  await ended;
  rmSync(dir, { recursive: true, force: true });
});

const mtime = { seconds: 1_234_567_890, nanos: 987_654_321 };
const at = (member: Member): Member => ({ mtime, ...member });
const all = (members: readonly Member[]): readonly Member[] => members.map(at);
const symlink = (name: string, linkName: string): Member => at({ name, linkName, type: 'symlink', mode: 0o777 });

const base: readonly Member[] = all([
  { name: 'etc/', mode: 0o711, uid: 1, gid: 2, xattrs: new Map([['user.dir', Buffer.from('d')]]) },
  { name: 'etc/a', data: 'a', uid: 3, gid: 4 },
  { name: 'etc/b', data: 'b' },
  { name: 'etc/sub/', mode: 0o700 },
  { name: 'etc/sub/x', data: 'x' },
  { name: 'etc/sub/y', data: 'y' },
  { name: 'usr/', mode: 0o1777 },
  { name: 'usr/lib/' },
  { name: 'usr/lib/one', data: 'one' },
  symlink('lib', 'usr/lib'),
  symlink('abs', '/etc'),
  { name: 'bin/setuid', data: 'bin', mode: 0o6755, uid: 9, gid: 8 },
  { name: 'bin/hard', type: 'link', linkName: 'bin/setuid' },
  { name: 'dev/null', type: 'char', major: 1, minor: 3, mode: 0o666 },
  { name: 'run/fifo', type: 'fifo' },
  { name: 'ids', data: 'i', uid: 3_000_000, gid: 4_000_000_000 },
  {
    name: 'cap',
    data: 'c',
    xattrs: new Map([['security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex')]]),
  },
]);

const cases: Readonly<Record<string, readonly (readonly Member[])[]>> = {
  'all kinds of files': [base],
  'changes over a base': [
    base,
    all([
      { name: 'etc/', mode: 0o755 },
      { name: 'etc/a', data: 'changed' },
      { name: 'etc/.wh.b' },
      { name: 'usr/', mode: 0o755 },
      { name: 'usr/lib/', mode: 0o755 },
      { name: 'usr/lib/two', data: 'two' },
    ]),
  ],
  'an opaque directory before and after its files': [
    base,
    [{ name: 'etc/' }, { name: 'etc/sub/' }, { name: 'etc/sub/.wh..wh..opq' }, { name: 'etc/sub/new', data: 'n' }].map(
      at,
    ),
  ],
  'whiteouts of a directory, of a link and of nothing': [
    base,
    all([{ name: 'etc/' }, { name: 'etc/.wh.sub' }, { name: '.wh.lib' }, { name: '.wh.absent' }]),
  ],
  'another type in place of one': [
    base,
    all([
      { name: 'lib/' },
      { name: 'lib/now-a-directory' },
      { name: 'etc', data: 'now a file' },
      symlink('usr', 'elsewhere'),
      { name: 'cap', type: 'fifo' } as Member,
    ]),
  ],
  'the same name twice': [
    all([
      { name: 'a', data: '1' },
      { name: 'a/', mode: 0o700 },
      { name: 'a/b' },
      { name: 'a/', mode: 0o750 },
      { name: 'c/d' },
      { name: 'c', data: 'file' },
    ]),
  ],
  'names that try to leave': [
    all([
      { name: '../up', data: 'u' },
      { name: '/abs/file', data: 'a' },
      { name: './dot/../file', data: 'f' },
      { name: 'x/../../y', data: 'y' },
      { name: '.', type: 'dir', mode: 0o700 } as Member,
      { name: 'trail/../', mode: 0o711 },
    ]),
  ],
  'ways through links': [
    all([
      symlink('out', '/'),
      symlink('up', '../../../..'),
      { name: 'real/' },
      symlink('in', 'real'),
      { name: 'in/file', data: 'through' },
      { name: 'out/root-file', data: 'r' },
      { name: 'up/up-file', data: 'u' },
      { name: 'hard', type: 'link', linkName: 'in/file' } as Member,
      { name: 'hard2', type: 'link', linkName: '/out/root-file' } as Member,
    ]),
  ],
  'hard links to links': [
    all([{ name: 'f', data: '1' }, symlink('s', 'f'), { name: 'h', type: 'link', linkName: 's' } as Member]),
  ],
  'times out of range': [
    [
      { name: 'old', mtime: { seconds: -5, nanos: 5 } },
      { name: 'far', mtime: { seconds: 9_300_000_000, nanos: 0 } },
      { name: 'zero', mtime: { seconds: 0, nanos: 0 } },
      { name: 'd/', mtime: { seconds: 7, nanos: 7 } },
      { name: 'd/f', mtime: { seconds: 8, nanos: 8 } },
    ],
  ],
  'attributes of the administrator': [
    [
      at({ name: 'f', xattrs: new Map([['trusted.overlay.opaque', Buffer.from('y')]]) }),
      at({
        name: 'g',
        xattrs: new Map([
          ['trusted.x', Buffer.from('y')],
          ['user.y', Buffer.from('1')],
        ]),
      }),
    ],
  ],
  'parents that the layer does not mention': [
    base,
    all([
      { name: 'etc/sub/z', data: 'z' },
      { name: 'usr/lib/deep/er/f', data: 'f' },
    ]),
  ],
};

/** Members whose directories nobody mentions have the time of the moment. */
const untimed =
  /^(another type|parents that|all kinds|names that|changes over|an opaque|whiteouts of|the same name|ways through)/;

for (const snapshotter of ['overlayfs', 'native']) {
  for (const [name, [first = [], ...others]] of Object.entries(cases)) {
    // Named in the first layer, so that no snapshot of another case serves.
    test(`${snapshotter}: ${name}`, async () => {
      const layers = [[at({ name: `case ${name}` }), ...first], ...others];
      const theirs = importImage(
        snapshotter,
        layers.map((layer) => tarOf(layer)),
      );
      await using bench = new ApplyBench();
      const ours = snapshotter === 'native' ? await applyCopies(bench, layers) : await applyOverlay(bench, layers);
      const options = { times: !untimed.test(name) };
      expect(ours.map((root) => listTree(root, options))).toEqual(theirs.map((root) => listTree(root, options)));
    });
  }
}

const everything = `
  umask 022; mkdir d; echo f > d/f; chown 3000000:4000000 d/f; chmod 4755 d/f; ln d/f hard; ln -s ../target link; mkfifo fifo; mknod null c 1 3
  truncate -s 5M sparse; echo data | dd of=sparse bs=1 seek=3000000 conv=notrunc status=none; truncate -s 2M hole; echo s > snö
  head -c 2000000 /dev/urandom > large; mkdir -p "$(printf 'n%.0s' $(seq 200))/$(printf 'm%.0s' $(seq 200))"
  find . -mindepth 1 -exec touch -h -d 2001-02-03T04:05:06.5Z {} +
`;

test('a layer that we make, unpacked by containerd', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('tree'));
  execFileSync('sh', ['-ec', everything], { cwd: bench.path('tree') });
  const comparer = new Comparer({ content: bench.content, tempDir: bench.dir });
  const { digest, size } = await comparer.compare(scope, [], bind(bench.path('tree')), {
    mediaType: mediaTypes.ociLayer,
  });
  await using reader = await bench.content.open(scope, digest);
  const [theirs] = importImage('overlayfs', [Buffer.from(await reader.read(0, size))]);
  expect(listTree(theirs!)).toEqual(listTree(bench.path('tree')));
});

async function applyOverlay(bench: ApplyBench, layers: readonly (readonly Member[])[]): Promise<string[]> {
  const roots: string[] = [];
  for (const [index, layer] of layers.entries()) {
    const root = bench.path(`layer${index}`);
    mkdirSync(root);
    const options = [`workdir=${bench.path('work')}`, `upperdir=${root}`, `lowerdir=${roots.toReversed().join(':')}`];
    const overlay = [{ type: 'overlay', source: 'overlay', target: '', options }];
    await bench.apply(gzipSync(tarOf(layer)), index === 0 ? bind(root) : overlay);
    roots.push(root);
  }
  return roots;
}

async function applyCopies(bench: ApplyBench, layers: readonly (readonly Member[])[]): Promise<string[]> {
  const roots: string[] = [];
  for (const [index, layer] of layers.entries()) {
    const root = bench.path(`layer${index}`);
    mkdirSync(root);
    if (index > 0) await copyTree(roots[index - 1]!, root);
    await bench.apply(gzipSync(tarOf(layer)), bind(root));
    roots.push(root);
  }
  return roots;
}

/** Imports an image of these layers and returns the directories of the snapshots that this made. */
function importImage(snapshotter: string, layers: readonly Buffer[]): string[] {
  const snapshots = join(dir, `root/io.containerd.snapshotter.v1.${snapshotter}/snapshots`);
  const numbers = () =>
    existsSync(snapshots)
      ? readdirSync(snapshots)
          .map(Number)
          .sort((a, b) => a - b)
      : [];
  const before = numbers();
  const archive = join(dir, 'image.tar');
  writeFileSync(archive, ociArchive(layers));
  execFileSync('ctr', ['-a', socket, 'image', 'import', '--snapshotter', snapshotter, archive], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const made = numbers().filter((number) => !before.includes(number));
  return made.map((number) => join(snapshots, String(number), snapshotter === 'native' ? '' : 'fs'));
}

function ociArchive(layers: readonly Buffer[]): Buffer {
  const hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const blobs: Member[] = [];
  const add = (mediaType: string, data: Uint8Array) => {
    blobs.push({ name: `blobs/sha256/${hex(data)}`, data });
    return { mediaType, digest: `sha256:${hex(data)}`, size: data.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const rootfs = { type: 'layers', diff_ids: layers.map((layer) => `sha256:${hex(layer)}`) };
  const image = { architecture: 'amd64', os: 'linux', config: {}, rootfs };
  const config = add('application/vnd.oci.image.config.v1+json', json(image));
  const stored = layers.map((layer) => add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(layer)));
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = add(manifestType, json({ schemaVersion: 2, mediaType: manifestType, config, layers: stored }));
  const annotations = { 'io.containerd.image.name': `docker.io/library/t:${manifest.digest.slice(7, 19)}` };
  const index = json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] });
  return tarOf([
    { name: 'oci-layout', data: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', data: index },
    ...blobs,
  ]);
}
