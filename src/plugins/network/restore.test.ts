import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerNetworks } from './networks.ts';
import { type NetworkRecord, Records } from './record.ts';
import { restore } from './restore.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-records-');
});
afterEach(() => rmSync(directory, { recursive: true }));

const record = (id: string): NetworkRecord => ({
  ...{ namespace: 'n', id, netns: `/nowhere/${id}`, ready: true, links: [], ports: [] },
  settings: {} as NetworkRecord['settings'],
});

test('what is no record is no obstacle, and does not stay', async () => {
  const link = { ifName: 'eth0', conflist: '{}', attachment: {}, capabilities: {} };
  const none: readonly unknown[] = [
    null,
    {},
    [],
    'text',
    { ...record('x'), namespace: '../../etc' },
    { ...record('x'), settings: null },
    { ...record('x'), links: [{ ...link, conflist: 7 }] },
    { ...record('x'), links: [null] },
    { ...record('x'), ports: {} },
  ];
  for (const [at, one] of none.entries()) writeFileSync(join(directory, `${at}.json`), JSON.stringify(one));
  writeFileSync(join(directory, 'empty.json'), '');
  writeFileSync(join(directory, 'cut.json'), JSON.stringify(record('x')).slice(0, 40));
  writeFileSync(join(directory, 'n-c.json.new'), 'half');
  mkdirSync(join(directory, 'directory.json/deep'), { recursive: true });
  const records = new Records(directory);
  await records.write(record('c'));
  expect(await records.all()).toEqual([record('c')]);
  expect(readdirSync(directory)).toEqual(['n-c.json']);
});

test('a network that cannot be gone on with does not keep the others from it', async () => {
  const records = new Records(join(directory, 'records'));
  expect(await records.all()).toEqual([]);
  for (const id of ['bad', 'good']) await records.write(record(id));
  const namespaces = join(directory, 'netns');
  mkdirSync(join(namespaces, 'a-directory'), { recursive: true });
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const adopted: string[] = [];
  const networks = {
    recall: ({ id }: NetworkRecord) => ({
      adopt: async () => {
        if (id === 'bad') throw new Error('its directory is gone');
        adopted.push(id);
      },
    }),
  } as unknown as ContainerNetworks;
  const runtime = { state: async () => ({ status: 'running', pid: 1 }) } as never;
  const log = { info: say, warn: say, error: say } as never;
  const { done } = await restore({ records, networks, runtime, namespaces, log });
  await done;
  expect(adopted).toEqual(['good']);
  expect(said).toContain('a network of an earlier life is not as it was');
  expect(said).toContain('a network namespace that nobody has is left');
});
