import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureVolume, findVolume, getVolume, listVolumes, removeVolume } from './volumes.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-volumes-');
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a volume is made once, keeps its labels, and goes whole', async () => {
  const { volume, isNew } = await ensureVolume(directory, { name: 'data', labels: { a: 'b' } });
  expect([isNew, volume.mountpoint, volume.labels]).toEqual([true, join(directory, 'data/_data'), { a: 'b' }]);
  writeFileSync(join(volume.mountpoint, 'kept'), 'x');
  expect((await ensureVolume(directory, { name: 'data', labels: { c: 'd' } })).volume.labels).toEqual({ a: 'b' });
  expect(readFileSync(join(volume.mountpoint, 'kept'), 'utf8')).toBe('x');
  await removeVolume(directory, 'data');
  expect(readdirSync(directory)).toEqual([]);
  await expect(removeVolume(directory, 'data')).rejects.toThrow('get data: no such volume');
});

test('of many who want a new volume at once one has made it', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => ensureVolume(directory, { name: 'one' })));
  expect(made.filter(({ isNew }) => isNew).length).toBe(1);
  expect(readdirSync(directory)).toEqual(['one']);
});

test("nerdctl's own volumes are found, and what is none is not", async () => {
  mkdirSync(join(directory, 'theirs/_data'), { recursive: true });
  writeFileSync(join(directory, 'theirs/volume.json'), '{"labels":null}');
  mkdirSync(join(directory, 'empty'));
  expect((await listVolumes(directory)).map(({ name }) => name)).toEqual(['theirs']);
  expect(await findVolume(directory, '../x')).toBeUndefined();
  await expect(getVolume(directory, 'empty')).rejects.toThrow('no such volume');
  await expect(ensureVolume(directory, { name: 'a/b' })).rejects.toThrow('volume name "a/b"');
  expect(await listVolumes(join(directory, 'nowhere'))).toEqual([]);
});
