import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { checkContainerName, claimName, nameHolder, releaseName } from './names.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-names-');
});
afterEach(() => rmSync(directory, { recursive: true }));

const there = async () => true;
const gone = async () => false;

test('a name is one container’s until that gives it back', async () => {
  await claimName(directory, { name: 'web', id: 'a1' }, there);
  await claimName(directory, { name: 'web', id: 'a1' }, there);
  await expect(claimName(directory, { name: 'web', id: 'b2' }, there)).rejects.toThrow(
    'Conflict. The container name "/web" is already in use by container "a1".',
  );
  await releaseName(directory, { name: 'web', id: 'b2' });
  expect(await nameHolder(directory, 'web')).toBe('a1');
  await releaseName(directory, { name: 'web', id: 'a1' });
  expect(await nameHolder(directory, 'web')).toBeUndefined();
  expect(readdirSync(directory)).toEqual([]);
});

test('of many who want a name at once one has it', async () => {
  const claims = Array.from({ length: 20 }, (_, n) => claimName(directory, { name: 'one', id: `id${n}` }, there));
  const outcomes = await Promise.allSettled(claims);
  const winners = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [`id${n}`] : []));
  expect(winners).toEqual([await nameHolder(directory, 'one')] as string[]);
  expect(readdirSync(directory)).toEqual(['one']);
});

test('a name whose container is gone is free again, though not at once', async () => {
  await claimName(directory, { name: 'old', id: 'a' }, there);
  await expect(claimName(directory, { name: 'old', id: 'b' }, gone)).rejects.toThrow('already in use');
  utimesSync(join(directory, 'old'), 1, 1);
  await expect(claimName(directory, { name: 'old', id: 'b' }, there)).rejects.toThrow('already in use');
  await claimName(directory, { name: 'old', id: 'b' }, gone);
  expect(await nameHolder(directory, 'old')).toBe('b');
});

test('what is no name is told in docker’s words', async () => {
  for (const name of ['', 'a', '-a', '.a', 'a b', 'a/b', 'ä1', '../x'])
    expect(() => checkContainerName(name)).toThrow(`Invalid container name (${name}), only`);
  expect(() => checkContainerName('x'.repeat(300))).toThrow('longer than 255 characters');
  expect(await nameHolder(directory, 'x'.repeat(300))).toBeUndefined();
  expect(await nameHolder(directory, '../names')).toBeUndefined();
});
