import { afterAll, beforeAll, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const top = new URL('../../..', import.meta.url).pathname;
let directory = '';

/** An installation whose programs print how they were started. */
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-launcher-'));
  const made = spawnSync('make', ['--silent', '-C', join(top, 'native/launcher')], { encoding: 'utf8' });
  expect(made.stderr).toBe('');
  for (const folder of ['bin', 'lib/berth']) mkdirSync(join(directory, folder), { recursive: true });
  for (const name of ['containerd', 'ctr', 'berth'])
    copyFileSync(join(top, 'build/launcher/launcher'), join(directory, 'bin', name));
  for (const name of ['containerd', 'ctr']) {
    const program = join(directory, 'lib/berth', name);
    writeFileSync(program, `#!/bin/sh\necho ${name} $$ "$@"\nenv | grep BUN_JSC_ | sort\nexit 7\n`);
    chmodSync(program, 0o755);
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function start(program: string, words: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const { pid, stdout, stderr, status } = spawnSync(program, words, {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  return { pid, lines: stdout.trim().split('\n'), stderr, status };
}

test('a launcher becomes the program of its name, with its words, and is no other process', () => {
  const { pid, lines, status } = start(join(directory, 'bin/ctr'), ['run', '--rm', 'a b']);
  expect(lines[0]).toBe(`ctr ${pid} run --rm a b`);
  expect(status).toBe(7);
});

test('a command is compiled late, the daemon early', () => {
  expect(start(join(directory, 'bin/ctr')).lines).toContain('BUN_JSC_thresholdForJITAfterWarmUp=100000');
  expect(start(join(directory, 'bin/containerd')).lines).toContain('BUN_JSC_jitPolicyScale=0.3');
});

test('what the user has set stays', () => {
  const { lines } = start(join(directory, 'bin/containerd'), [], { BUN_JSC_jitPolicyScale: '2' });
  expect(lines).toContain('BUN_JSC_jitPolicyScale=2');
});

test('it is found through links, and another name is that of the first program', () => {
  symlinkSync('bin/ctr', join(directory, 'ctr'));
  expect(start(join(directory, 'ctr'), ['x']).lines[0]).toEndWith(' x');
  expect(start(join(directory, 'bin/berth'), ['ctr', 'x']).lines[0]).toMatch(/^containerd \d+ ctr x$/);
});

test('without its program it says what it looked for', () => {
  const alone = join(directory, 'alone');
  copyFileSync(join(top, 'build/launcher/launcher'), alone);
  const { status, stderr } = start(alone);
  expect(status).toBe(127);
  expect(stderr).toMatch(/^containerd: \/.*\/lib\/berth\/containerd: No such file or directory\n$/);
});

test('the engine of this build knows every setting', () => {
  for (const [name, word] of [
    ['ctr', '--version'],
    ['containerd', '--version'],
    ['nerdctl', '--version'],
    ['ctd-decoder', '--version'],
  ] as const)
    expect({ name, ...start(join(top, 'dist/bin', name), [word]) }).toMatchObject({ name, status: 0, stderr: '' });
});
