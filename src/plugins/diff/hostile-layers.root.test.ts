import { expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { gzipSync } from 'node:zlib';
import { classOf, messageOf } from '#base/errors';
import type { ApplyOptions } from '#core/diff/diff';
import { type Member, tarOf } from '#lib/tar/small-archive';
import { listTree } from '#test/support/tree-listing';
import { ApplyBench, bind } from './layer.fixture.ts';

const link = (name: string, linkName: string): Member => ({ name, linkName, type: 'symlink' });
const hard = (name: string, linkName: string): Member => ({ name, linkName, type: 'link' });

/** Applies to `<dir>/root`, beside which `<dir>/secret` must stay as it is; the class of the fault, or the names at the top. */
async function outcomeOf(members: readonly Member[], options: ApplyOptions = {}): Promise<string> {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  mkdirSync(bench.path('secret'));
  writeFileSync(bench.path('secret/file'), 'host', { mode: 0o600 });
  const before = listTree(bench.path('secret'));
  const outcome = await bench
    .apply(tarOf(members), bind(bench.path('root')), options)
    .then(() => readdirSync(bench.path('root')).sort().join(' '), classOf);
  expect(listTree(bench.path('secret'))).toEqual(before);
  expect(readdirSync(bench.dir).sort()).toEqual(['root', 'secret']);
  return outcome;
}

test('CVE-2021-32760: attributes do not reach a file of the host through a link', async () => {
  for (const target of ['../secret/file', '/../../secret/file', '../secret']) {
    const members: Member[] = [
      link('l', target),
      { name: 'l', type: 'symlink', linkName: target, mode: 0o777, uid: 77 },
      hard('h', 'l'),
      { ...hard('h2', 'l'), mode: 0o777, uid: 77, xattrs: new Map([['trusted.x', Buffer.from('1')]]) },
      link('l2', target),
    ];
    expect(await outcomeOf(members)).toBe('h h2 l l2');
  }
});

test('CVE-2025-47290: a directory that turns into a link leads nowhere outside', async () => {
  const members: Member[] = [
    { name: 'd/' },
    { name: 'd/x', data: 'first' },
    link('d', '../secret'),
    { name: 'd/file', data: 'evil', mode: 0o777 },
    { name: 'd/', mode: 0o777 },
  ];
  // The link resolves inside the root, where it names nothing yet; the last entry makes a directory of it again.
  expect(await outcomeOf(members)).toBe('d secret');
});

test('CVE-2025-47290: neither does one that another process swaps for a link meanwhile', async () => {
  await using bench = new ApplyBench();
  const root = bench.path('root');
  mkdirSync(root);
  mkdirSync(bench.path('secret'));
  const many = Array.from({ length: 3000 }, (_, i): Member[] => [{ name: `d${i % 3}/f${i}`, data: 'evil' }]).flat();
  // Swaps d0 for a link to the outside and back, as fast as it can, while the layer is written.
  const script = `i=0; while [ -e "${bench.path('go')}" ]; do ln -sfn ../secret "${root}/l"; mv -T "${root}/d0" "${root}/k" 2>/dev/null; mv -T "${root}/l" "${root}/d0" 2>/dev/null; rm -f "${root}/d0" 2>/dev/null; mv -T "${root}/k" "${root}/d0" 2>/dev/null; done`;
  writeFileSync(bench.path('go'), '');
  const running = Bun.spawn(['sh', '-c', script], { stdout: 'ignore', stderr: 'ignore' });
  const outcome = await bench.apply(tarOf(many), bind(root)).then(() => 'done', messageOf);
  execFileSync('rm', [bench.path('go')]);
  await running.exited;
  expect(readdirSync(bench.path('secret'))).toEqual([]);
  // It may have met the place empty or a link; but never has it failed for another reason.
  expect(outcome).toMatch(/^done$|: invalid argument$/);
});

test('absolute and upward hard link targets stay inside', async () => {
  expect(await outcomeOf([hard('h', '/secret/file')])).toBe('invalid_argument');
  expect(await outcomeOf([hard('h', '../secret/file')])).toBe('invalid_argument');
  expect(await outcomeOf([{ name: 'secret/file', data: 'own' }, hard('h', '/../secret/file')])).toBe('h secret');
  expect(await outcomeOf([link('up', '..'), hard('h', 'up/secret/file')])).toBe('invalid_argument');
  expect(await outcomeOf([{ name: 'dir/' }, hard('h', 'dir')])).toBe('permission_denied');
});

test('names, whiteouts and links with .. stay inside', async () => {
  expect(await outcomeOf([{ name: '../secret/file', data: 'evil' }])).toBe('secret');
  expect(await outcomeOf([link('up', '..'), { name: 'up/secret/file', data: 'evil' }])).toBe('secret up');
  expect(await outcomeOf([{ name: '../secret/.wh.file' }])).toBe('secret');
  expect(await outcomeOf([link('up', '..'), { name: 'up/.wh.secret' }])).toBe('up');
  expect(await outcomeOf([link('up', '../secret'), { name: 'up/.wh..wh..opq' }])).toBe('up');
});

test('whiteouts that name nothing are refused', async () => {
  for (const name of ['.wh.', '.wh..', '.wh...', 'd/.wh..', 'd/.wh...']) {
    expect([name, await outcomeOf([{ name: 'd/' }, { name }])]).toEqual([name, 'invalid_argument']);
    expect([name, await outcomeOf([{ name: 'd/' }, { name }], { keepWhiteouts: true })]).toEqual([
      name,
      'invalid_argument',
    ]);
  }
});

test('link chains and loops end', async () => {
  const chain = Array.from({ length: 60 }, (_, i) => link(`l${i}`, `l${i + 1}`));
  expect(await outcomeOf([...chain, { name: 'l0/file', data: 'x' }])).toBe('invalid_argument');
  expect(await outcomeOf([link('a', 'b'), link('b', 'a'), { name: 'a/file', data: 'x' }])).toBe('invalid_argument');
});

test('huge names and depths are refused', async () => {
  expect(await outcomeOf([{ name: 'n'.repeat(256), data: 'x' }])).toBe('invalid_argument');
  expect(await outcomeOf([{ name: `${'d/'.repeat(300)}f`, data: 'x' }])).toBe('invalid_argument');
  expect(await outcomeOf([{ name: `${'d'.repeat(200)}/`.repeat(20) }])).toBe('d'.repeat(200));
  expect(await outcomeOf([link('l', 't'.repeat(4096))])).toBe('invalid_argument');
});

test('a file is no directory', async () => {
  expect(
    await outcomeOf([
      { name: 'f', data: 'x' },
      { name: 'f/g', data: 'y' },
    ]),
  ).toBe('invalid_argument');
});

test('a sparse bomb of 10 GiB is stopped by the limit, and takes no space without one', async () => {
  const bomb: Member = { name: 'bomb', size: 10 * 2 ** 30, data: 'x', extents: [{ offset: 5 * 2 ** 30, length: 1 }] };
  expect(await outcomeOf([bomb], { limits: { maxBytes: 2 ** 30 } })).toBe('resource_exhausted');
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  await bench.apply(gzipSync(tarOf([bomb])), bind(bench.path('root')));
  expect(statSync(bench.path('root/bomb'))).toMatchObject({ size: 10 * 2 ** 30 });
  expect(statSync(bench.path('root/bomb')).blocks).toBeLessThan(64);
});

test('a compression bomb is stopped by the limit', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const bomb = gzipSync(Buffer.concat([tarOf([{ name: 'a', data: 'b' }]), Buffer.alloc(300 << 20)]));
  const outcome = await bench.apply(bomb, bind(bench.path('root')), { limits: { maxBytes: 100 << 20 } }).catch(classOf);
  expect(outcome).toBe('resource_exhausted');
});

test('too many files, also such as only names imply, are stopped by the limit', async () => {
  const limits = { maxEntries: 50 };
  const files = Array.from({ length: 51 }, (_, i): Member => ({ name: `f${i}` }));
  expect(await outcomeOf(files, { limits })).toBe('resource_exhausted');
  expect(await outcomeOf([{ name: `${'d/'.repeat(60)}f` }], { limits })).toBe('resource_exhausted');
  expect(await outcomeOf(files.slice(0, 50), { limits })).toContain('f49');
});

test('GHSA-rp3h-jf77-q9p4: whiteouts and opaque marks cost time in proportion to their number', async () => {
  await using bench = new ApplyBench();
  const count = 4000;
  const filesIn = (dir: string) => Array.from({ length: count }, (_, i): Member => ({ name: `${dir}/f${i}` }));
  const timeOf = async (name: string, members: readonly Member[]) => {
    mkdirSync(bench.path(name));
    // Not empty, so that there is something to delete.
    writeFileSync(bench.path(name, 'old'), '');
    const layer = tarOf(members);
    const started = performance.now();
    await bench.apply(layer, bind(bench.path(name)));
    return performance.now() - started;
  };
  const marks = filesIn('d').map(() => ({ name: 'd/.wh..wh..opq' }));
  const nested = Array.from({ length: 250 }, (_, i) => ({ name: `${'n/'.repeat(250 - i)}.wh..wh..opq` }));
  await timeOf('warm', filesIn('d'));
  const plain = await timeOf('plain', [...filesIn('d'), ...filesIn('e')]);
  const marked = await timeOf('marked', [...filesIn('d'), ...marks]);
  const deleted = await timeOf('deleted', [
    ...filesIn('d'),
    ...filesIn('d').map(({ name }) => ({ name: name.replace('/f', '/.wh.f') })),
  ]);
  await timeOf('nested', [{ name: `${'n/'.repeat(250)}f` }, ...nested]);
  // Four thousand walks over four thousand files would take a minute.
  expect(marked).toBeLessThan(plain * 10 + 10_000);
  expect(deleted).toBeLessThan(plain * 10 + 10_000);
});

test('a directory replaced again and again costs what was in it, not more', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const members = Array.from({ length: 2000 }, (_, i): Member[] => [
    { name: 'd/e/f', data: 'x' },
    { name: 'd', data: `${i}` },
    { name: 'd/' },
  ]).flat();
  await bench.apply(tarOf(members), bind(bench.path('root')));
  expect(lstatSync(bench.path('root/d')).isDirectory()).toBe(true);
});

test('a full disk is resource_exhausted', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', bench.path('root')]);
  try {
    const layer = tarOf([
      { name: 'a', data: Buffer.alloc(600_000, 1) },
      { name: 'b', data: Buffer.alloc(600_000, 2) },
    ]);
    expect(await bench.apply(layer, bind(bench.path('root'))).catch(classOf)).toBe('resource_exhausted');
  } finally {
    execFileSync('umount', [bench.path('root')]);
  }
});

test('a layer does not get out through what is already in the tree', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  mkdirSync(bench.path('secret'));
  chmodSync(bench.path('secret'), 0o700);
  symlinkSync(bench.path('secret'), bench.path('root/abs'));
  symlinkSync('../secret', bench.path('root/rel'));
  await bench.apply(
    tarOf([
      { name: 'abs/evil', data: 'x' },
      { name: 'rel/evil', data: 'x' },
      { name: 'rel', type: 'dir', mode: 0o777 },
    ]),
    bind(bench.path('root')),
  );
  expect(readdirSync(bench.path('secret'))).toEqual([]);
  expect(statSync(bench.path('secret')).mode & 0o777).toBe(0o700);
  expect(existsSync(bench.path('root', bench.path('secret'), 'evil'))).toBe(true);
});

test('a layer says nothing to overlayfs that only the snapshotter may', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const xattrs = new Map([
    ['trusted.overlay.opaque', Buffer.from('y')],
    ['trusted.overlay.redirect', Buffer.from('/etc')],
  ]);
  await bench.apply(tarOf([{ name: 'd/', xattrs }]), bind(bench.path('root')), { keepWhiteouts: true });
  expect(listTree(bench.path('root')).join()).not.toContain('trusted');
});

test('errors name the file', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const outcome = await bench.apply(tarOf([hard('some/h', 'missing')]), bind(bench.path('root'))).catch(messageOf);
  expect(outcome).toStartWith('apply layer: layer: some/h: ENOENT');
  expect(outcome).toEndWith(': invalid argument');
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('berth-diff');
});
