import { expect, test } from 'bun:test';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { layer, type OpenSnapshotter, type SnapshotterSubject, scope } from './snapshotter.suite.ts';

/** What changes look like through several layers. */
export function changesSuite(label: string, open: OpenSnapshotter): void {
  contentSuite(label, open);
  directorySuite(label, open);
  depthSuite(label, open);
}

/** Mounts a new view of it. */
async function viewed(subject: SnapshotterSubject, name: string, look: (root: string) => void): Promise<void> {
  const key = `look-at-${name}`;
  await subject.mounted(await subject.store.view(scope, key, name), look);
  await subject.store.remove(scope, key);
}

function contentSuite(label: string, open: OpenSnapshotter): void {
  test(`${label}: files are changed, deleted and made again in layers above`, async () => {
    await using subject = await open();
    await layer(subject, 'one', '', (root) => {
      for (const name of ['changed', 'deleted', 'replaced', 'kept']) writeFileSync(join(root, name), 'one');
    });
    await layer(subject, 'two', 'one', (root) => {
      writeFileSync(join(root, 'changed'), 'two!');
      rmSync(join(root, 'deleted'));
      rmSync(join(root, 'replaced'));
      mkdirSync(join(root, 'replaced'));
    });
    await layer(subject, 'three', 'two', (root) => {
      expect(readdirSync(root).sort()).toEqual(['changed', 'kept', 'replaced']);
      writeFileSync(join(root, 'deleted'), 'three');
      rmSync(join(root, 'replaced'), { recursive: true });
      symlinkSync('kept', join(root, 'replaced'));
    });
    const read = (root: string) =>
      Object.fromEntries(readdirSync(root).map((name) => [name, readFileSync(join(root, name), 'utf8')]));
    await viewed(subject, 'three', (root) =>
      expect(read(root)).toEqual({ changed: 'two!', deleted: 'three', kept: 'one', replaced: 'one' }),
    );
    await viewed(subject, 'one', (root) =>
      expect(read(root)).toEqual({ changed: 'one', deleted: 'one', kept: 'one', replaced: 'one' }),
    );
  });

  test(`${label}: owners, modes, times, links and big files survive the layers`, async () => {
    await using subject = await open();
    const big = Buffer.alloc(3 << 20, 'berth');
    await layer(subject, 'one', '', (root) => {
      writeFileSync(join(root, 'f'), big);
      chownSync(join(root, 'f'), 1000, 1001);
      chmodSync(join(root, 'f'), 0o4750);
      linkSync(join(root, 'f'), join(root, 'hard'));
      symlinkSync('/nowhere/at/all', join(root, 'dangling'));
      utimesSync(join(root, 'f'), 1_000_000, 1_234_567);
    });
    await layer(subject, 'two', 'one', (root) => writeFileSync(join(root, 'other'), ''));
    await viewed(subject, 'two', (root) => {
      const { uid, gid, mode, mtimeMs, nlink, ino } = lstatSync(join(root, 'f'));
      expect([uid, gid, mode & 0o7777, mtimeMs, nlink]).toEqual([1000, 1001, 0o4750, 1_234_567_000, 2]);
      expect(lstatSync(join(root, 'hard')).ino).toBe(ino);
      expect(readlinkSync(join(root, 'dangling'))).toBe('/nowhere/at/all');
      expect(readFileSync(join(root, 'hard')).equals(big)).toBe(true);
    });
    await layer(subject, 'three', 'two', (root) => {
      chownSync(join(root, 'f'), 7, 8);
      chmodSync(join(root, 'hard'), 0o600);
    });
    await viewed(subject, 'three', (root) => {
      expect([lstatSync(join(root, 'f')).uid, lstatSync(join(root, 'hard')).mode & 0o7777]).toEqual([7, 0o600]);
      expect(readFileSync(join(root, 'f')).equals(big)).toBe(true);
    });
  });

  test(`${label}: a file moves between directories of lower layers`, async () => {
    await using subject = await open();
    await layer(subject, 'one', '', (root) => {
      mkdirSync(join(root, 'a'));
      mkdirSync(join(root, 'b'));
      writeFileSync(join(root, 'a/f'), 'here');
    });
    await layer(subject, 'two', 'one', (root) => renameSync(join(root, 'a/f'), join(root, 'b/g')));
    await viewed(subject, 'two', (root) => {
      expect([readdirSync(join(root, 'a')), readdirSync(join(root, 'b'))]).toEqual([[], ['g']]);
      expect(readFileSync(join(root, 'b/g'), 'utf8')).toBe('here');
    });
  });
}

function directorySuite(label: string, open: OpenSnapshotter): void {
  test(`${label}: a directory of a lower layer is removed, and one of its name shows nothing of the old`, async () => {
    await using subject = await open();
    await layer(subject, 'one', '', (root) => {
      mkdirSync(join(root, 'dir/sub'), { recursive: true });
      writeFileSync(join(root, 'dir/sub/old'), '');
      writeFileSync(join(root, 'dir/old'), '');
    });
    await layer(subject, 'two', 'one', (root) => rmSync(join(root, 'dir'), { recursive: true }));
    await layer(subject, 'three', 'two', (root) => {
      expect(existsSync(join(root, 'dir'))).toBe(false);
      mkdirSync(join(root, 'dir/sub'), { recursive: true });
      writeFileSync(join(root, 'dir/sub/new'), '');
    });
    await layer(subject, 'replaced-at-once', 'one', (root) => {
      rmSync(join(root, 'dir'), { recursive: true });
      mkdirSync(join(root, 'dir'));
    });
    await viewed(subject, 'three', (root) => {
      expect([readdirSync(join(root, 'dir')), readdirSync(join(root, 'dir/sub'))]).toEqual([['sub'], ['new']]);
    });
    await viewed(subject, 'replaced-at-once', (root) => expect(readdirSync(join(root, 'dir'))).toEqual([]));
    await viewed(subject, 'one', (root) => expect(readdirSync(join(root, 'dir')).sort()).toEqual(['old', 'sub']));
  });

  test(`${label}: directories are renamed across layers, as mv does it`, async () => {
    await using subject = await open();
    await layer(subject, 'one', '', (root) => {
      mkdirSync(join(root, 'a/deep'), { recursive: true });
      writeFileSync(join(root, 'a/deep/f'), '1');
    });
    await layer(subject, 'two', 'one', (root) => {
      move(join(root, 'a'), join(root, 'b'));
      writeFileSync(join(root, 'b/deep/g'), '2');
    });
    await layer(subject, 'three', 'two', (root) => {
      move(join(root, 'b/deep'), join(root, 'c'));
      move(join(root, 'b'), join(root, 'a'));
    });
    await viewed(subject, 'three', (root) => {
      expect(readdirSync(root).sort()).toEqual(['a', 'c']);
      expect([readdirSync(join(root, 'a')), readdirSync(join(root, 'c')).sort()]).toEqual([[], ['f', 'g']]);
    });
  });

  test(`${label}: a directory's mode and owner changed above are seen above only`, async () => {
    await using subject = await open();
    await layer(subject, 'one', '', (root) => {
      mkdirSync(join(root, 'd'));
      chmodSync(join(root, 'd'), 0o1777);
      writeFileSync(join(root, 'd/f'), '');
    });
    await layer(subject, 'two', 'one', (root) => {
      chmodSync(join(root, 'd'), 0o2750);
      chownSync(join(root, 'd'), 5, 6);
    });
    const look = (root: string) => {
      const { mode, uid, gid } = lstatSync(join(root, 'd'));
      return [mode & 0o7777, uid, gid, readdirSync(join(root, 'd'))];
    };
    await viewed(subject, 'two', (root) => expect(look(root)).toEqual([0o2750, 5, 6, ['f']]));
    await viewed(subject, 'one', (root) => expect(look(root)).toEqual([0o1777, 0, 0, ['f']]));
  });
}

function depthSuite(label: string, open: OpenSnapshotter): void {
  test(`${label}: sixty layers lie on one another, and the uppermost wins`, async () => {
    await using subject = await open();
    const { store, mounted } = subject;
    let parent = '';
    for (let i = 1; i <= 60; i++) {
      await layer(subject, `layer-${i}`, parent, (root) => {
        writeFileSync(join(root, `only-${i}`), '');
        writeFileSync(join(root, 'all'), String(i));
        if (i > 1 && i % 3 === 0) rmSync(join(root, `only-${i - 1}`));
      });
      parent = `layer-${i}`;
    }
    const expected = [
      'all',
      ...Array.from({ length: 60 }, (_, i) => i + 1)
        .filter((i) => (i + 1) % 3 !== 0)
        .map((i) => `only-${i}`),
    ].sort();
    await mounted(await store.prepare(scope, 'top', parent), (root) => {
      expect(readdirSync(root).sort()).toEqual(expected);
      expect(readFileSync(join(root, 'all'), 'utf8')).toBe('60');
      writeFileSync(join(root, 'all'), 'top');
    });
    await viewed(subject, parent, (root) => expect(readFileSync(join(root, 'all'), 'utf8')).toBe('60'));
  }, 120_000);
}

/** Where the filesystem cannot rename a directory of a lower layer it is copied, as mv does. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    cpSync(from, to, { recursive: true, preserveTimestamps: true });
    rmSync(from, { recursive: true });
  }
}
