import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import { withLimits } from './limits.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync('/tmp/berth-cgroup-');
});
afterEach(() => rmSync(root, { recursive: true }));

const limited = (limits: Parameters<typeof withLimits>[1]) => {
  const { spec, warnings } = withLimits(defaultSpec('c', 'ns'), limits, root);
  return { resources: spec.linux?.resources, linux: spec.linux, warnings };
};

// shows: create --cgroup-conf, run --cgroup-conf
test('control groups of version 2: files by name, and what is not there any more is told', () => {
  writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory');
  const { resources, warnings } = limited({
    memory: 64 << 20,
    memorySwappiness: 5,
    oomKillDisable: true,
    cgroupConf: { 'memory.high': '50M' },
  });
  expect([resources?.memory, resources?.unified]).toEqual([
    { limit: 64 << 20, swap: 128 << 20 },
    { 'memory.high': '50M' },
  ]);
  expect(warnings.map((one) => one.split('.')[0])).toEqual([
    'Your kernel does not support OomKillDisable',
    'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted',
  ]);
  expect(() => limited({ cgroupConf: { '../x': '1' } })).toThrow('is no control');
  expect(() => limited({ cpuRealtimeRuntime: 5 })).toThrow('kernel does not support CPU real-time scheduler');
});

test('a kernel that does not count swap limits memory alone', () => {
  const { resources, warnings } = limited({ memory: 64 << 20, memorySwap: 96 << 20 });
  expect([resources?.memory, warnings.length]).toEqual([{ limit: 64 << 20 }, 1]);
  expect(limited({ memory: 64 << 20 }).warnings).toEqual([]);
});

// shows: create --cpu-rt-period, create --cpu-rt-runtime, run --cpu-rt-period, run --cpu-rt-runtime, create --rdt-class, run --rdt-class
test('real time, and a class of cache, are the runtime to be told', () => {
  mkdirSync(join(root, 'cpu'));
  writeFileSync(join(root, 'cpu/cpu.rt_runtime_us'), '950000');
  const { resources, linux } = limited({ cpuRealtimePeriod: 10_000, cpuRealtimeRuntime: 5_000, rdtClass: 'gold' });
  expect(resources?.cpu).toEqual({ realtimePeriod: 10_000, realtimeRuntime: 5_000 });
  expect(linux?.intelRdt).toEqual({ closID: 'gold' });
  expect(() => limited({ cpuRealtimePeriod: 5, cpuRealtimeRuntime: 6 })).toThrow('cannot be higher than');
});
