import { expect, test } from 'bun:test';
import { constants, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cwd, mknodAt } from '#sys/at';
import { writeArchive } from './export.ts';

test('an export that fails leaves no half archive, and devices where they are', async () => {
  const directory = mkdtempSync('/dev/shm/berth-export-');
  try {
    const failing = async function* () {
      yield Buffer.from('half');
      throw new Error('no more');
    };
    const [file, device] = [join(directory, 'a.tar'), join(directory, 'null')];
    mknodAt(cwd, device, constants.S_IFCHR | 0o600, { major: 1, minor: 3 });
    for (const path of [file, device]) await expect(writeArchive(path, failing())).rejects.toThrow('no more');
    expect([existsSync(file), existsSync(device)]).toEqual([false, true]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
