import { expect, test } from 'bun:test';
import { chmodSync, chownSync, linkSync, lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shiftOwners } from './remap.ts';

const whole = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const halves = [
  { containerID: 0, hostID: 100_000, size: 10 },
  { containerID: 10, hostID: 200_000, size: 10 },
];

for (const [what, mappings, shifted] of [
  ['one range', whole, [100_000, 100_012]],
  ['several ranges', halves, [100_000, 200_002]],
] as const) {
  test(`a file with two names gets its owner on the host once: ${what}`, async () => {
    const root = mkdtempSync('/dev/shm/berth-remap-');
    try {
      writeFileSync(join(root, 'a'), '');
      chownSync(join(root, 'a'), 0, 12);
      chmodSync(join(root, 'a'), 0o6755);
      linkSync(join(root, 'a'), join(root, 'b'));
      symlinkSync('/etc/passwd', join(root, 'link'));
      await shiftOwners(root, { uids: mappings, gids: mappings });
      const { uid, gid, mode } = lstatSync(join(root, 'b'));
      expect([uid, gid, mode & 0o7777]).toEqual([...shifted, 0o6755]);
      expect([lstatSync(root).uid, lstatSync(join(root, 'link')).uid]).toEqual([100_000, 100_000]);
      expect(lstatSync('/etc/passwd').uid).toBe(0);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
}

test('an owner that no range has is said with the path', async () => {
  const root = mkdtempSync('/dev/shm/berth-remap-');
  try {
    writeFileSync(join(root, 'a'), '');
    chownSync(join(root, 'a'), 20, 0);
    await expect(shiftOwners(root, { uids: halves, gids: halves })).rejects.toThrow(/a belongs to id 20/);
  } finally {
    rmSync(root, { recursive: true });
  }
});
