import { expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { classOf } from '#base/errors';
import { type Member, tarOf } from '#lib/tar/small-archive';
import { listTree } from '#test/support/tree-listing';
import { ApplyBench, bind } from './layer.fixture.ts';

const lower: readonly Member[] = [
  { name: 'd/', mode: 0o711, uid: 5, gid: 6, xattrs: new Map([['user.d', Buffer.from('1')]]) },
  { name: 'd/a', data: 'lower' },
  { name: 'd/b', data: 'lower' },
  { name: 'd/sub/' },
  { name: 'd/sub/c', data: 'lower' },
  { name: 'f', data: 'lower' },
];

/** What the second layer makes of the first: once as an overlay shows it, once in a copy. */
async function bothWays(members: readonly Member[]): Promise<{ readonly overlay: string[]; readonly copy: string[] }> {
  await using bench = new ApplyBench();
  for (const name of ['lower', 'upper', 'work', 'merged', 'copy']) mkdirSync(bench.path(name));
  await bench.apply(tarOf(lower), bind(bench.path('lower')));
  const options = `lowerdir=${bench.path('lower')},upperdir=${bench.path('upper')},workdir=${bench.path('work')}`;
  try {
    await bench.apply(tarOf(members), bind(bench.path('upper')), { keepWhiteouts: true });
  } catch (thrown) {
    expect(classOf(thrown)).toBe('aborted');
    await rm(bench.path('upper'), { recursive: true });
    mkdirSync(bench.path('upper'));
    await bench.apply(tarOf(members), [
      { type: 'overlay', source: 'overlay', target: '', options: options.split(',') },
    ]);
  }
  execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', bench.path('merged')]);
  let overlay: string[];
  try {
    overlay = namesIn(bench.path('merged'));
  } finally {
    execFileSync('umount', [bench.path('merged')]);
  }
  execFileSync('cp', ['-a', `${bench.path('lower')}/.`, bench.path('copy')]);
  await bench.apply(tarOf(members), bind(bench.path('copy')));
  return { overlay, copy: namesIn(bench.path('copy')) };
}

/** Every name, with the content where it is a file that has some. */
function namesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = `${root}/${name}`;
      const content = lstatSync(path).isFile() ? readFileSync(path, 'utf8') : '';
      return content === '' ? name : `${name}=${content}`;
    });
}

const cases: Readonly<Record<string, readonly [readonly Member[], readonly string[]]>> = {
  'a deleted file': [
    [{ name: 'd/' }, { name: 'd/.wh.a' }],
    ['d', 'd/b=lower', 'd/sub', 'd/sub/c=lower', 'f=lower'],
  ],
  'a deleted directory': [[{ name: '.wh.d' }], ['f=lower']],
  'a file deleted and brought anew, in either order': [
    [
      { name: 'd/' },
      { name: 'd/.wh.a' },
      { name: 'd/a', data: 'new' },
      { name: 'd/b', data: 'new' },
      { name: 'd/.wh.b' },
    ],
    ['d', 'd/a=new', 'd/b=new', 'd/sub', 'd/sub/c=lower', 'f=lower'],
  ],
  'a directory deleted and brought anew hides what was in it': [
    [{ name: '.wh.d' }, { name: 'd/' }, { name: 'd/new', data: 'n' }],
    ['d', 'd/new=n', 'f=lower'],
  ],
  'the same in the other order': [
    [{ name: 'd/' }, { name: 'd/new', data: 'n' }, { name: '.wh.d' }],
    ['d', 'd/new=n', 'f=lower'],
  ],
  'a deleted directory that the layer needs again without mentioning it': [
    [{ name: '.wh.d' }, { name: 'd/sub/new', data: 'n' }],
    ['d', 'd/sub', 'd/sub/new=n', 'f=lower'],
  ],
  'an opaque directory, marked before what is in it': [
    [{ name: 'd/' }, { name: 'd/.wh..wh..opq' }, { name: 'd/new', data: 'n' }],
    ['d', 'd/new=n', 'f=lower'],
  ],
  'an opaque directory, marked after what is in it': [
    [{ name: 'd/' }, { name: 'd/sub/' }, { name: 'd/sub/new', data: 'n' }, { name: 'd/.wh..wh..opq' }],
    ['d', 'd/sub', 'd/sub/new=n', 'f=lower'],
  ],
  'an opaque directory that is not mentioned': [
    [{ name: 'd/sub/.wh..wh..opq' }],
    ['d', 'd/a=lower', 'd/b=lower', 'd/sub', 'f=lower'],
  ],
  'a file over a directory and a directory over a file': [
    [{ name: 'd', data: 'file' }, { name: 'f/' }, { name: 'f/in', data: 'x' }],
    ['d=file', 'f', 'f/in=x'],
  ],
  'a hard link to a file of the same layer is kept by a later mark': [
    [
      { name: 'd/' },
      { name: 'd/one', data: '1' },
      { name: 'd/two', type: 'link', linkName: 'd/one' },
      { name: 'd/.wh..wh..opq' },
    ],
    ['d', 'd/one=1', 'd/two=1', 'f=lower'],
  ],
  "AUFS's private files are left out": [
    [{ name: '.wh..wh.plnk/' }, { name: '.wh..wh.aufs' }],
    ['d', 'd/a=lower', 'd/b=lower', 'd/sub', 'd/sub/c=lower', 'f=lower'],
  ],
};

for (const [name, [members, wanted]] of Object.entries(cases)) {
  test(`${name}: the same in an overlay and in a copy`, async () => {
    expect(await bothWays(members)).toEqual({ overlay: [...wanted], copy: [...wanted] });
  });
}

test('alone, a layer that leaves out a directory is aborted, unless it deleted what was there', async () => {
  await using bench = new ApplyBench();
  const alone = async (members: readonly Member[]) => {
    await rm(bench.path('root'), { recursive: true, force: true });
    mkdirSync(bench.path('root'));
    return await bench
      .apply(tarOf(members), bind(bench.path('root')), { keepWhiteouts: true })
      .then(() => 'done', classOf);
  };
  expect(await alone([{ name: 'd/f', data: 'x' }])).toBe('aborted');
  expect(await alone([{ name: 'd/' }, { name: 'd/sub/f', data: 'x' }])).toBe('aborted');
  expect(await alone([{ name: 'd/.wh.f' }])).toBe('aborted');
  expect(await alone([{ name: '.wh.d' }, { name: 'd/sub/f', data: 'x' }])).toBe('done');
  expect(await alone([{ name: 'd/' }, { name: 'd/f' }, { name: '.wh.g' }])).toBe('done');
});

test('an opaque root empties a copy', async () => {
  // Overlayfs merges the root whatever it says, with containerd as with us.
  await using bench = new ApplyBench();
  mkdirSync(bench.path('copy'));
  await bench.apply(tarOf(lower), bind(bench.path('copy')));
  await bench.apply(tarOf([{ name: '.wh..wh..opq' }, { name: 'new', data: 'n' }]), bind(bench.path('copy')));
  expect(namesIn(bench.path('copy'))).toEqual(['new=n']);
});

test('over an overlay, parents that a layer does not mention are as the layers below have them', async () => {
  await using bench = new ApplyBench();
  for (const name of ['lower', 'upper', 'work', 'middle']) mkdirSync(bench.path(name));
  await bench.apply(tarOf(lower), bind(bench.path('lower')));
  const options = [
    `workdir=${bench.path('work')}`,
    `upperdir=${bench.path('upper')}`,
    `lowerdir=${bench.path('middle')}:${bench.path('lower')}`,
  ];
  const overlay = [{ type: 'overlay', source: 'overlay', target: '', options }];
  await bench.apply(tarOf([{ name: 'd/new/file' }, { name: 'f/x' }]), overlay);
  expect(listTree(bench.path('upper'), { times: false })).toEqual([
    'd 40711 5:6 user.d=31',
    'd/new 40755 0:0',
    `d/new/file 100644 0:0 0 e3b0c44298fc`,
    'f 40755 0:0',
    'f/x 100644 0:0 0 e3b0c44298fc',
  ]);
});

test('with userxattr, what is hidden is said in attributes of users', async () => {
  await using bench = new ApplyBench();
  for (const name of ['lower', 'upper', 'work']) mkdirSync(bench.path(name));
  const options = [
    'userxattr',
    `workdir=${bench.path('work')}`,
    `upperdir=${bench.path('upper')}`,
    `lowerdir=${bench.path('lower')}`,
  ];
  const xattrs = new Map([
    ['user.overlay.redirect', Buffer.from('/x')],
    ['user.kept', Buffer.from('1')],
  ]);
  await bench.apply(tarOf([{ name: 'd/', xattrs }, { name: 'd/.wh..wh..opq' }, { name: '.wh.gone' }]), [
    { type: 'overlay', source: 'overlay', target: '', options },
  ]);
  expect(listTree(bench.path('upper'), { times: false })).toEqual([
    'd 40755 0:0 user.kept=31 user.overlay.opaque=79',
    'gone 20000 0:0',
  ]);
});

test('what cannot be written directly is mounted, and not left mounted', async () => {
  await using bench = new ApplyBench();
  for (const name of ['lower', 'upper', 'work', 'other']) mkdirSync(bench.path(name));
  writeFileSync(bench.path('lower/a'), '');
  const two = [...bind(bench.path('lower')), ...bind(bench.path('other'))];
  await bench.apply(tarOf([{ name: 'top' }]), two);
  expect(existsSync(bench.path('other/top'))).toBe(true);
  expect(existsSync(bench.path('lower/top'))).toBe(false);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(bench.dir);
});

test('a read-only mount stays as it is', async () => {
  await using bench = new ApplyBench();
  mkdirSync(bench.path('root'));
  const mounts = [{ type: 'bind', source: bench.path('root'), target: '', options: ['rbind', 'ro'] }];
  expect(await bench.apply(tarOf([{ name: 'a' }]), mounts).then(() => 'done', String)).toContain('EROFS');
  expect(readdirSync(bench.path('root'))).toEqual([]);
});
