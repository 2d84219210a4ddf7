import { expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { classOf, messageOf } from '#base/errors';
import { type ApparmorOptions, defaultApparmor, ensureDefaultApparmor } from './apparmor.ts';

async function inDir(
  script: string,
  use: (options: Required<ApparmorOptions>, dir: string) => Promise<void>,
): Promise<void> {
  const dir = mkdtempSync('/tmp/berth-apparmor-');
  const options = { profiles: join(dir, 'profiles'), includes: join(dir, 'includes'), parser: join(dir, 'parser') };
  writeFileSync(options.profiles, 'docker-default (enforce)\nodd name (complain)\n');
  writeFileSync(options.parser, `#!/bin/sh\n${script}\n`);
  chmodSync(options.parser, 0o755);
  await use(options, dir).finally(() => rmSync(dir, { recursive: true }));
}

const failure = (work: Promise<void>) =>
  work.then(
    () => 'none',
    (thrown: unknown) => `${classOf(thrown)}: ${messageOf(thrown)}`,
  );

test('a profile that is not loaded goes to the parser', async () => {
  await inDir('echo "$@" > "$0.args"; cat > "$0.in"', async (options) => {
    await ensureDefaultApparmor('mine', options);
    expect(readFileSync(`${options.parser}.args`, 'utf8')).toBe('-K -r\n');
    expect(readFileSync(`${options.parser}.in`, 'utf8')).toBe(
      defaultApparmor('mine', { hasTunables: false, hasAbstractions: false }),
    );
    mkdirSync(join(options.includes, 'tunables'), { recursive: true });
    mkdirSync(join(options.includes, 'abstractions'));
    writeFileSync(join(options.includes, 'tunables/global'), '');
    writeFileSync(join(options.includes, 'abstractions/base'), '');
    await ensureDefaultApparmor('mine', options);
    expect(readFileSync(`${options.parser}.in`, 'utf8')).toBe(
      defaultApparmor('mine', { hasTunables: true, hasAbstractions: true }),
    );
  });
});

test('a profile that is loaded stays as it is', async () => {
  await inDir('exit 1', async (options) => {
    await ensureDefaultApparmor('docker-default', options);
    expect(await failure(ensureDefaultApparmor('docker', options))).toStartWith('unknown: apparmor: ');
  });
});

test('no AppArmor, no parser and a parser that refuses say so', async () => {
  await inDir('echo "line 1: bad" >&2; exit 3', async (options) => {
    expect(await failure(ensureDefaultApparmor('x', { ...options, profiles: '/nonexistent/profiles' }))).toMatch(
      /^not_found: apparmor: ENOENT/,
    );
    expect(await failure(ensureDefaultApparmor('x', { ...options, parser: '/nonexistent/parser' }))).toMatch(
      /^not_found: apparmor: /,
    );
    expect(await failure(ensureDefaultApparmor('x', options))).toContain('line 1: bad');
  });
});

test('a name cannot bring rules along', async () => {
  for (const name of ['', 'a b', 'a{}', 'a\nb', '-x', '/x', 'x'.repeat(200)]) {
    expect(() => defaultApparmor(name, { hasTunables: false, hasAbstractions: false })).toThrow('invalid argument');
    expect(await failure(ensureDefaultApparmor(name))).toStartWith('invalid_argument');
  }
});
