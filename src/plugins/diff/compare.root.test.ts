import { expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { classOf } from '#base/errors';
import type { Descriptor } from '#core/descriptor';
import type { CompareOptions } from '#core/diff/diff';
import type { Mount } from '#core/mount';
import { type Digest, digestOf } from '#lib/digest';
import { mediaTypes } from '#lib/oci/media-types';
import { listTar } from '#lib/tar/small-archive';
import { listTree } from '#test/support/tree-listing';
import { Comparer } from './comparer.ts';
import { ApplyBench, bind, scope } from './layer.fixture.ts';

class CompareBench extends ApplyBench {
  readonly comparer = new Comparer({ content: this.content, tempDir: this.dir });

  constructor() {
    super();
    for (const name of ['lower', 'upper', 'result']) mkdirSync(this.path(name));
  }

  sh(script: string): void {
    execFileSync('sh', ['-ec', script], { cwd: this.dir });
  }

  async compare(options: CompareOptions = {}) {
    return await this.comparer.compare(scope, bind(this.path('lower')), bind(this.path('upper')), options);
  }

  async blob(digest: Digest): Promise<Buffer> {
    await using reader = await this.content.open(scope, digest);
    return Buffer.from(await reader.read(0, reader.size));
  }

  /** Names in the layer, whiteouts and parents included. */
  async names(options: CompareOptions = {}): Promise<string[]> {
    const { digest } = await this.compare(options);
    return listTar(gunzipSync(await this.blob(digest))).map(({ entry }) => entry.name);
  }
}

const populate = `
  mkdir -m 711 lower/d lower/d/sub; echo a > lower/d/a; echo b > lower/d/b; echo c > lower/d/sub/c; ln -s a lower/d/s
  echo 1 > lower/one; ln lower/one lower/two; mkfifo lower/fifo; mknod lower/null c 1 3
  find lower -exec touch -h -d 2001-02-03T04:05:06.5Z {} +; cp -a lower/. upper
`;

test('equal trees make an empty layer', async () => {
  await using bench = new CompareBench();
  bench.sh(populate);
  expect(await bench.names()).toEqual([]);
});

test('what changed, what is new and what is gone, each after its directories', async () => {
  await using bench = new CompareBench();
  bench.sh(`${populate}
    echo A > upper/d/a; echo new > upper/d/sub/new; rm upper/d/b; rm -r upper/fifo; rm upper/null; mkdir upper/null; echo x > upper/null/x`);
  expect(await bench.names()).toEqual(['d/', 'd/a', 'd/.wh.b', 'd/sub/', 'd/sub/new', '.wh.fifo', 'null/', 'null/x']);
});

test('a directory that is gone is one deletion; one that became a file needs none', async () => {
  await using bench = new CompareBench();
  bench.sh(`${populate} rm -r upper/d/sub; rm -r upper/d; echo file > upper/d`);
  expect(await bench.names()).toEqual(['d']);
  bench.sh('rm upper/d');
  expect(await bench.names()).toEqual(['.wh.d']);
});

test('mode, owner, attributes and targets of links count; the time of a directory does not', async () => {
  for (const [change, names] of [
    ['chmod 700 upper/d/a; touch -d 2001-02-03T04:05:06.5Z upper/d/a', ['d/', 'd/a']],
    ['chown 5 upper/d/a', ['d/', 'd/a']],
    ['setfattr -n user.x -v 1 upper/d/a', ['d/', 'd/a']],
    ['setcap cap_net_raw+ep upper/d/a', ['d/', 'd/a']],
    ['ln -sfn b upper/d/s; touch -h -d 2001-02-03T04:05:06.5Z upper/d/s', []],
    ['ln -sfn b upper/d/s', ['d/', 'd/s']],
    ['touch upper/d', []],
    ['chmod 700 upper/d', ['d/']],
  ] as const) {
    await using bench = new CompareBench();
    bench.sh(`${populate} ${change}`);
    expect([change, await bench.names()]).toEqual([change, [...names]]);
  }
});

test('contents are compared where times have no fraction', async () => {
  await using bench = new CompareBench();
  bench.sh(`head -c 300000 /dev/zero > lower/f; head -c 299999 /dev/zero > upper/f; printf x >> upper/f; ln -s a lower/l; ln -s b upper/l
    echo same > lower/same; echo same > upper/same
    find lower upper -exec touch -h -d 2001-02-03T04:05:06Z {} +`);
  expect(await bench.names()).toEqual(['f', 'l']);
});

test('names of one file stay together: all come with the first that changed', async () => {
  await using bench = new CompareBench();
  bench.sh(`${populate} ln upper/one upper/d/three; ln upper/d/a upper/four`);
  const { digest } = await bench.compare();
  const members = listTar(gunzipSync(await bench.blob(digest))).map(
    ({ entry }) => `${entry.name}${entry.linkName && ` = ${entry.linkName}`}`,
  );
  expect(members).toEqual(['d/', 'd/three', 'four', 'd/a = four', 'one = d/three', 'two = d/three']);
});

const everything = `
  umask 022; mkdir upper/d; chmod 1750 upper/d; echo f > upper/d/f; chown 3000000:4000000 upper/d/f; chmod 4755 upper/d/f; ln upper/d/f upper/hard
  ln -s ../target upper/link; mkfifo upper/fifo; mknod upper/null c 1 3; mknod upper/loop b 7 9; : > upper/empty
  setfattr -n user.note -v hello upper/empty; cp /bin/true upper/cap; setcap cap_net_raw+ep upper/cap
  truncate -s 5M upper/sparse; echo data | dd of=upper/sparse bs=1 seek=3000000 conv=notrunc status=none; truncate -s 2M upper/hole
  head -c 2000000 /dev/urandom > upper/large; mkdir -p "upper/$(printf 'n%.0s' $(seq 200))/$(printf 'm%.0s' $(seq 200))"
  echo s > upper/snö; echo l > "upper/$(printf '\\377')"; find upper -exec touch -h -d 2001-02-03T04:05:06.123456789Z {} +
`;

test('applied to the lower tree, the layer gives the upper one, with everything that files have', async () => {
  for (const mediaType of [mediaTypes.ociLayer, mediaTypes.ociLayerGzip, mediaTypes.ociLayerZstd]) {
    await using bench = new CompareBench();
    bench.sh(everything);
    const layer = await bench.compare({ mediaType });
    expect(layer.mediaType).toBe(mediaType);
    await bench.applier.apply(scope, layer, bind(bench.path('result')));
    expect(listTree(bench.path('result'))).toEqual(listTree(bench.path('upper')));
    expect(layer.size).toBeLessThan(2_500_000);
  }
});

test('GNU tar unpacks it to the same', async () => {
  await using bench = new CompareBench();
  bench.sh(everything);
  const { digest } = await bench.compare({ mediaType: mediaTypes.ociLayer });
  const args = [
    '-C',
    bench.path('result'),
    '--numeric-owner',
    '--same-permissions',
    '--xattrs',
    '--xattrs-include=*',
    '-xf',
    '-',
  ];
  execFileSync('tar', args, { input: await bench.blob(digest) });
  expect(listTree(bench.path('result'))).toEqual(listTree(bench.path('upper')));
});

test('sockets are left out', async () => {
  await using bench = new CompareBench();
  const server = createServer().listen(bench.path('upper/socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  expect(await bench.names()).toEqual([]);
  server.close();
});

test('compared with nothing, everything is new', async () => {
  await using bench = new CompareBench();
  bench.sh('echo a > upper/a; mkdir upper/d');
  const { digest } = await bench.comparer.compare(scope, [], bind(bench.path('upper')), {
    mediaType: mediaTypes.ociLayer,
  });
  expect(listTar(await bench.blob(digest)).map(({ entry }) => entry.name)).toEqual(['a', 'd/']);
});

test('descriptor, label and labels; the same layer again is the same blob', async () => {
  await using bench = new CompareBench();
  bench.sh('echo a > upper/a');
  const first = await bench.compare({ ref: 'mine', labels: { one: '1' } });
  const bytes = await bench.blob(first.digest);
  expect(first).toEqual({ mediaType: mediaTypes.ociLayerGzip, digest: digestOf(bytes), size: bytes.length });
  const uncompressed = digestOf(gunzipSync(bytes));
  expect((await bench.content.info(scope, first.digest)).labels).toEqual({
    one: '1',
    'containerd.io/uncompressed': uncompressed,
  });
  const again = await bench.compare({ labels: { two: '2' } });
  expect(again).toEqual(first);
  const { labels } = await bench.content.info(scope, first.digest);
  expect(labels).toEqual({ one: '1', two: '2', 'containerd.io/uncompressed': uncompressed });
  expect(await bench.content.statuses(scope)).toEqual([]);
});

test('an ingest that an earlier attempt left under the ref is begun anew', async () => {
  await using bench = new CompareBench();
  bench.sh('echo a > upper/a');
  {
    await using writer = await bench.content.writer(scope, 'mine');
    await writer.write(Buffer.from('left over'));
  }
  const { digest } = await bench.compare({ ref: 'mine' });
  expect(listTar(gunzipSync(await bench.blob(digest))).map(({ entry }) => entry.name)).toEqual(['a']);
});

test('no time is later than the epoch that was asked for', async () => {
  await using bench = new CompareBench();
  bench.sh(`${populate} touch upper/d/a; touch -d 1999-01-01 upper/old; rm upper/one`);
  const { digest } = await bench.compare({ sourceDateEpoch: { seconds: 1_000_000_000, nanos: 0 } });
  const times = listTar(gunzipSync(await bench.blob(digest))).map(
    ({ entry }) => [entry.name, entry.mtime.seconds] as const,
  );
  expect(Math.max(...times.map(([, seconds]) => seconds))).toBe(1_000_000_000);
  expect(times.find(([name]) => name === 'old')![1]).toBeLessThan(1_000_000_000);
});

test('an unknown media type is not_implemented', async () => {
  await using bench = new CompareBench();
  expect(await bench.compare({ mediaType: 'application/x' }).then(() => '', classOf)).toBe('not_implemented');
});

test('a failure leaves no ingest, no mount and no thread; a cancelled call throws canceled', async () => {
  await using bench = new CompareBench();
  bench.sh('head -c 30000000 /dev/urandom > upper/large');
  const abort = new AbortController();
  const within = { ...scope, signal: abort.signal };
  const comparing = bench.comparer.compare(within, [], bind(bench.path('upper')));
  await Bun.sleep(60);
  abort.abort();
  expect(await comparing.then(() => '', classOf)).toBe('canceled');
  const missing = bind(bench.path('missing'));
  expect(await bench.comparer.compare(scope, [], missing).then(() => '', classOf)).toBe('not_found');
  expect(await bench.content.statuses(scope)).toEqual([]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(bench.dir);
});

const inOverlay = `
  echo new > merged/new; rm merged/l; echo more >> merged/k; rm -r merged/d; mkdir merged/d; echo j > merged/d/j; cp -a lower/d/same merged/d/same
  chmod 700 merged/e; rm merged/e/gone; touch merged/e/here; ln merged/e/a merged/e/b; mkdir merged/n; echo x > merged/n/x; rm merged/n/x
  mv merged/f merged/g; mknod merged/c c 1 5; : > merged/t; rm merged/t`;

test('an overlay that is in use is read without being disturbed, and from its upper directory alone as if it were mounted', async () => {
  await using bench = new CompareBench();
  bench.sh(
    `mkdir fs work merged; cd lower; echo l > l; echo k > k; mkdir d e; echo i > d/i; echo s > d/same; echo a > e/a; touch e/gone e/here; echo f > f`,
  );
  const options = [`workdir=${bench.path('work')}`, `upperdir=${bench.path('fs')}`, `lowerdir=${bench.path('lower')}`];
  const overlay = [{ type: 'overlay', source: 'overlay', target: '', options }];
  bench.sh(`mount -t overlay -o ${options.join(',')} overlay merged`);
  try {
    bench.sh(inOverlay);
    const layerOf = (lower: readonly Mount[]) =>
      bench.comparer.compare(scope, lower, overlay, { mediaType: mediaTypes.ociLayer });
    const direct = await layerOf(bind(bench.path('lower')));
    // With a second way to the same tree it is not recognised as the overlay's own.
    const mounted = await layerOf(bind(`${bench.dir}/./lower`));
    const names = async ({ digest }: Descriptor) => listTar(await bench.blob(digest)).map(({ entry }) => entry);
    expect(await names(direct)).toEqual(await names(mounted));
    expect((await names(direct)).map(({ name }) => name)).toEqual([
      'c',
      'd/',
      'd/.wh.i',
      'd/j',
      'e/',
      'e/b',
      'e/a',
      'e/.wh.gone',
      'e/here',
      '.wh.f',
      'g',
      'k',
      '.wh.l',
      'n/',
      'new',
    ]);
  } finally {
    bench.sh('umount merged');
  }
});

test('an overlay with notes that only overlayfs can read is mounted', async () => {
  await using bench = new CompareBench();
  bench.sh('mkdir fs work merged lower/d; echo i > lower/d/i');
  const options = [`workdir=${bench.path('work')}`, `upperdir=${bench.path('fs')}`, `lowerdir=${bench.path('lower')}`];
  bench.sh(`mount -t overlay -o redirect_dir=on,${options.join(',')} overlay merged`);
  try {
    bench.sh('mv merged/d merged/moved');
    const mounts = [{ type: 'overlay', source: 'overlay', target: '', options: ['redirect_dir=on', ...options] }];
    const { digest } = await bench.comparer.compare(scope, bind(bench.path('lower')), mounts, {
      mediaType: mediaTypes.ociLayer,
    });
    const names = listTar(await bench.blob(digest)).map(({ entry }) => entry.name);
    expect(names).toEqual(['.wh.d', 'moved/', 'moved/i']);
  } finally {
    bench.sh('umount merged');
  }
});
