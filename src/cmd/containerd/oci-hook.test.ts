import { expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgramForTest } from '#test/support/run-program';
import { containerd } from './program.ts';

const hook = (args: readonly string[], stdin: string) =>
  runProgramForTest(containerd(''), ['oci-hook', '--', ...args], {
    stdin,
    env: { PATH: process.env.PATH ?? '', POD: '{{annotation "pod"}}' },
  });

test("a hook's program is given what the runtime says of the container, and its exit code is the hook's", async () => {
  const bundle = mkdtempSync('/tmp/berth-hook-');
  try {
    writeFileSync(join(bundle, 'config.json'), '{"root":{"path":"rootfs"}}');
    const state = JSON.stringify({ id: 'c1', bundle, pid: 42, status: 'created', annotations: { pod: 'p1' } });
    const script = `echo "$POD $@" > ${bundle}/said; exit 5`;
    const words = [
      '{{id}}',
      '{{ pid }}',
      '{{rootfs}}',
      '{{bundle}}',
      '{{status}}',
      '{{annotation "none"}}',
      '{{what}}',
    ];
    expect((await hook(['sh', '-c', script, 'sh', ...words], state)).code).toBe(5);
    expect(readFileSync(join(bundle, 'said'), 'utf8')).toBe(`p1 c1 42 ${bundle}/rootfs ${bundle} created  {{what}}\n`);
    for (const bad of ['', '[]', '{"id":"x"}', '{"bundle":"/no/such"}'])
      expect(await hook(['true'], bad)).toMatchObject({ code: 1, out: '' });
    expect((await hook([], state)).err).toContain('a program to run must be given');
  } finally {
    rmSync(bundle, { recursive: true });
  }
});
