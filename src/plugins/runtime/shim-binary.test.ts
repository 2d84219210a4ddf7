import { expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import { ShimBinaries } from './shim-binary.ts';

test('a shim is asked for core scheduling when the configuration says so, and not otherwise', async () => {
  const directory = mkdtempSync('/tmp/berth-shim-binary-');
  const binary = join(directory, 'containerd-shim-told-v1');
  writeFileSync(binary, '#!/bin/sh\necho "unix:///told-$(printenv SCHED_CORE || echo nothing)"\n');
  chmodSync(binary, 0o755);
  const binaries = new ShimBinaries(join(directory, 'containerd'), silent);
  const bundle = { namespace: 'n', id: 'c', path: directory };
  const params = {
    namespace: 'n',
    id: 'c',
    grpcAddress: '/g',
    ttrpcAddress: '/t',
    executable: '/e',
    version: '1',
    debug: false,
  };
  const told = async (schedCore: boolean) =>
    (await binaries.start(binary, bundle, { ...params, schedCore }, AbortSignal.timeout(60_000))).address;
  expect([await told(true), await told(false)]).toEqual(['unix:///told-1', 'unix:///told-nothing']);
  rmSync(directory, { recursive: true });
});
