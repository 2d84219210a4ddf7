import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { registryOptions } from './registry.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-hosts-');
});
afterEach(() => rmSync(directory, { recursive: true }));

const options = (hostsDirs: readonly string[], insecureRegistry = false) =>
  registryOptions(
    { env: { DOCKER_CONFIG: directory }, cwd: directory } as never,
    { insecureRegistry, hostsDirs },
    'example.org:5000',
  );

test('the first of all directories that says something of the registry is taken', async () => {
  mkdirSync(join(directory, 'a'));
  mkdirSync(join(directory, 'b/example.org:5000'), { recursive: true });
  mkdirSync(join(directory, 'c/_default'), { recursive: true });
  expect((await options(['a', 'b', 'c'])).hostDir).toBe(join(directory, 'b'));
  expect((await options([join(directory, 'c'), 'b'])).hostDir).toBe(join(directory, 'c'));
});

test('where nobody names directories the daemon uses its own; where they say nothing, it does not', async () => {
  expect(await options([])).not.toHaveProperty('hostDir');
  expect((await options(['none', 'nothing'])).hostDir).toBe(join(directory, 'none'));
});

test('insecure is a wish for whatever the registry speaks', async () => {
  expect(await options([])).not.toHaveProperty('defaultScheme');
  expect((await options([], true)).defaultScheme).toBe('probe');
});
