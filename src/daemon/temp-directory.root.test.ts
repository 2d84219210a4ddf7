import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '#base/log';
import { mountAll } from '#sys/mount';
import { freshTempDirectory } from './temp-directory.ts';

const silent = createLog({ level: 'error', format: 'text', write: () => {} });

test('what a killed daemon left is taken away, without what was mounted there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-temp-'));
  try {
    for (const temp of ['', join(dir, 'elsewhere')]) {
      const path = await freshTempDirectory(join(dir, 'root'), temp, silent);
      expect(path.startsWith(temp === '' ? join(dir, 'root') : temp)).toBe(true);
      mkdirSync(join(dir, 'precious'), { recursive: true });
      writeFileSync(join(dir, 'precious/file'), 'x');
      mkdirSync(join(path, 'berth-mount-x'));
      writeFileSync(join(path, 'rest'), 'x');
      const bind = { type: 'bind', source: join(dir, 'precious'), target: '', options: ['rbind'] };
      await mountAll([bind, bind], join(path, 'berth-mount-x'));
      expect(await freshTempDirectory(join(dir, 'root'), temp, silent)).toBe(path);
      expect(readdirSync(path)).toEqual([]);
      expect(existsSync(join(dir, 'precious/file'))).toBe(true);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(dir);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('daemons that share a place for temporary files do not take one another’s', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-temp-'));
  try {
    const one = await freshTempDirectory('/one', dir, silent);
    writeFileSync(join(one, 'mine'), 'x');
    await freshTempDirectory('/two', dir, silent);
    expect(readdirSync(one)).toEqual(['mine']);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
