import { expect, test } from 'bun:test';
import { chownSync, copyFileSync, readFileSync, readlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '#sys/process';
import { fileIdentity, sealedCopy } from '#sys/sealed-copy';
import { Rig, tasks } from './rig.ts';

async function runtimeIn(r: Rig): Promise<string> {
  const found = await run(['sh', '-c', 'command -v runc'], { env: process.env as Record<string, string> });
  const program = join(r.directory, 'a-runtime');
  copyFileSync(found.stdout.trim(), program);
  return program;
}

/** What a created container's first process is running: the runtime, before it becomes the container's program. */
async function createdBy(r: Rig, id: string, program: string, copy: string): Promise<string> {
  const binaryName = program;
  const shim = await r.start(id, { args: ['sleep', '1000'], env: { BERTH_RUNTIME_COPY: copy } });
  const pid = await shim.create({ binaryName });
  const exe = readlinkSync(`/proc/${pid}/exe`);
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  expect(environment).not.toContain('BERTH_RUNTIME_COPY');
  await shim.call(tasks.kill, { id, signal: 9 });
  await shim.exitOf();
  await shim.call(tasks.delete, { id });
  await shim.call(tasks.shutdown, { id });
  return exe;
}

test('a runtime is started from its sealed copy, as long as it is the program that was copied', async () => {
  await using r = new Rig();
  await r.listen();
  const program = await runtimeIn(r);
  using copy = sealedCopy(program);
  if (copy === undefined) throw new Error('there is no copy');
  const named = `${copy.original}:${copy.path}`;
  expect(await createdBy(r, 'c1', program, named)).toContain('memfd:program');
  utimesSync(program, 1, 1); // as if it had been replaced
  expect(await createdBy(r, 'c2', program, named)).not.toContain('memfd:program');
}, 120_000);

test('a copy that can be written to, one of another size and a variable without sense are passed over', async () => {
  await using r = new Rig();
  await r.listen();
  const program = await runtimeIn(r);
  const open = join(r.directory, 'not-sealed');
  copyFileSync(program, open);
  const identity = fileIdentity(program) ?? '';
  const values = [
    `${identity}:${open}`,
    `${identity}:/nowhere`,
    `${identity}:`,
    identity,
    ':::::',
    '1:2:3:x:5:/',
    '9'.repeat(500),
  ];
  for (const [at, value] of values.entries())
    expect([value, await createdBy(r, `c${at}`, program, value)]).not.toEqual([
      value,
      expect.stringContaining('memfd:program'),
    ]);
}, 120_000);

test("another user's copy is passed over: the daemon's number may be anybody's by now", async () => {
  await using r = new Rig();
  await r.listen();
  const program = await runtimeIn(r);
  using copy = sealedCopy(program);
  if (copy === undefined) throw new Error('there is no copy');
  chownSync(copy.path, 1, 1);
  expect(await createdBy(r, 'c1', program, `${copy.original}:${copy.path}`)).not.toContain('memfd:program');
}, 120_000);

test('a script and a file that is not there have no copy', async () => {
  await using r = new Rig();
  const script = join(r.directory, 'script');
  writeFileSync(script, '#!/bin/sh\n', { mode: 0o755 });
  expect([
    sealedCopy(script),
    sealedCopy(join(r.directory, 'absent')),
    fileIdentity(join(r.directory, 'absent')),
  ]).toEqual([undefined, undefined, undefined]);
});
