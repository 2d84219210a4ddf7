import { expect, test } from 'bun:test';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cwd, mknodAt } from '#sys/at';
import { openFile } from './open-file.ts';

test('plain files of the root are opened; devices, fifos, directories and links are not touched', () => {
  const directory = mkdtempSync('/dev/shm/berth-open-');
  const root = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    writeFileSync(join(directory, 'file'), 'inside');
    symlinkSync('/file', join(directory, 'link'));
    symlinkSync('/etc/hostname', join(directory, 'out'));
    mknodAt(cwd, join(directory, 'fifo'), constants.S_IFIFO | 0o600);
    // No driver has this number: to open it would fail.
    mknodAt(cwd, join(directory, 'device'), constants.S_IFCHR | 0o600, { major: 240, minor: 4321 });
    const read = (fd: number | undefined) => {
      if (fd === undefined) return undefined;
      const text = readFileSync(fd, 'utf8');
      closeSync(fd);
      return text;
    };
    const open = (path: string, follow = false) => read(openFile(root, path, constants.O_RDONLY, { follow }));
    expect([open('file'), open('link'), open('link', true)]).toEqual(['inside', undefined, 'inside']);
    expect(['fifo', 'device', '.'].map((path) => open(path, true))).toEqual([undefined, undefined, undefined]);
    expect(() => open('out', true)).toThrow(/ENOENT/);
  } finally {
    closeSync(root);
    rmSync(directory, { recursive: true });
  }
});
