import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatConflist } from '#lib/cni/default-network';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { pruneNetworks, removeNetworkOf } from './remove.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-networks-');
});
afterEach(() => rmSync(directory, { recursive: true }));

test('networks that other programs have described are left to them', async () => {
  const engine = {
    config: { cniNetconfPath: directory },
    scope: { namespace: 'ns' },
    client: { namespaces: { list: async () => [] } },
  } as unknown as Engine;
  const foreign = join(directory, '10-pods.conflist');
  writeFileSync(foreign, JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'macvlan' }] }));
  const ours = join(directory, 'nerdctl-ours.conflist');
  writeFileSync(ours, formatConflist('ours', {}, [{ type: 'macvlan' }]));
  await expect(removeNetworkOf(engine, 'pods')).rejects.toThrow(
    'pods is managed outside nerdctl and cannot be removed',
  );
  expect(await pruneNetworks(engine, new Filters(new Map()))).toEqual(['ours']);
  expect([existsSync(foreign), existsSync(ours)]).toEqual([true, false]);
});
