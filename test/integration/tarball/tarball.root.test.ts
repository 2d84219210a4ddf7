import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClient } from '#client/client';
import { writeBlob } from '#client/write-blob';
import { containerd } from '#cmd/containerd/program';
import { ctr } from '#cmd/ctr/program';
import { nerdctl } from '#cmd/nerdctl/program';
import { scopeOf } from '#core/scope';
import { run, TestDaemon } from '#test/support/daemon';

const top = new URL('../../..', import.meta.url).pathname;
let directory = '';
let listing = '';

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'berth-dist-'));
  const out = join(directory, 'out');
  expect(await run(process.execPath, [join(top, 'scripts/dist.ts'), '--out', out])).toMatchObject({ code: 0 });
  const tarball = join(out, readdirSync(out).find((name) => name.endsWith('.tar.gz')) ?? 'none');
  listing = (await run('tar', ['-tzf', tarball])).stdout;
  expect(await run('tar', ['-xzf', tarball, '-C', directory])).toMatchObject({ code: 0, stderr: '' });
  expect((await run('sh', ['-c', `cd ${out} && sha256sum -c *.sha256sum`])).code).toBe(0);
}, 120_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const installed = (path: string) => join(directory, path);

const manual = 'usr/local/share/man/man8/';

test('the tarball has programs, unit, completions and manual where they belong, and nothing else', () => {
  const files = listing.split('\n').filter((path) => path !== '' && !path.endsWith('/'));
  expect(files.filter((path) => !path.startsWith(manual)).sort()).toEqual([
    'etc/systemd/system/containerd.service',
    'usr/local/bin/berth-init',
    'usr/local/bin/containerd',
    'usr/local/bin/containerd-shim-runc-v2',
    'usr/local/bin/ctd-decoder',
    'usr/local/bin/ctr',
    'usr/local/bin/nerdctl',
    'usr/local/lib/berth/containerd',
    'usr/local/lib/berth/ctd-decoder',
    'usr/local/lib/berth/ctr',
    'usr/local/lib/berth/nerdctl',
    'usr/local/share/bash-completion/completions/containerd',
    'usr/local/share/bash-completion/completions/ctr',
    'usr/local/share/bash-completion/completions/nerdctl',
    'usr/local/share/doc/berth/LICENSE',
    'usr/local/share/fish/vendor_completions.d/containerd.fish',
    'usr/local/share/fish/vendor_completions.d/ctr.fish',
    'usr/local/share/fish/vendor_completions.d/nerdctl.fish',
    'usr/local/share/zsh/site-functions/_containerd',
    'usr/local/share/zsh/site-functions/_ctr',
    'usr/local/share/zsh/site-functions/_nerdctl',
  ]);
  const modes = files.map((path) => (statSync(installed(path)).mode & 0o7777).toString(8));
  expect(modes).toEqual(files.map((path) => (/^usr\/local\/(bin|lib\/berth)\//.test(path) ? '755' : '644')));
});

test('the programs are one file under all names, and run from where they were unpacked', async () => {
  for (const directory of ['usr/local/bin', 'usr/local/lib/berth']) {
    const inodes = ['containerd', 'ctd-decoder', 'ctr', 'nerdctl'].map(
      (name) => statSync(installed(join(directory, name))).ino,
    );
    expect(new Set(inodes).size).toBe(1);
  }
  const daemon = new TestDaemon({ built: true });
  await using _ = daemon;
  daemon.executable = installed('usr/local/bin/containerd');
  await daemon.start();
  const { code, stdout } = await run(installed('usr/local/bin/ctr'), ['-a', daemon.address, 'version']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Client:\n[\s\S]*^Server:\n/m);
});

test('the programs do nothing that files in the present directory say', async () => {
  const here = join(directory, 'untrusted');
  mkdirSync(here);
  writeFileSync(join(here, 'bunfig.toml'), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(here, 'preload.ts'), "process.stdout.write('PRELOADED');\n");
  writeFileSync(join(here, '.env'), 'CONTAINERD_ADDRESS=/from-dotenv.sock\n');
  writeFileSync(join(here, 'package.json'), '{ "type": "commonjs", "imports": { "#base/*": "./preload.ts" } }\n');
  for (const name of ['ctr', 'containerd']) {
    const { stdout } = await run('sh', [
      '-c',
      'cd "$1" && "$2" --version',
      'sh',
      here,
      installed(`usr/local/bin/${name}`),
    ]);
    expect(stdout).toStartWith(name);
  }
  const command = 'cd "$1" && env -u CONTAINERD_ADDRESS "$2" --address /nobody.sock images ls';
  const { stderr } = await run('sh', ['-c', command, 'sh', here, installed('usr/local/bin/ctr')]);
  expect(stderr).toContain('/nobody.sock');
  const helped = await run('sh', ['-c', 'cd "$1" && "$2" images ls', 'sh', here, installed('usr/local/bin/ctr')]);
  expect(helped.stdout + helped.stderr).not.toContain('from-dotenv');
});

test('the unit starts what was installed, is told when it is ready, and leaves containers alone', () => {
  const unit = readFileSync(installed('etc/systemd/system/containerd.service'), 'utf8');
  const start = /^ExecStart=\/(\S+)$/m.exec(unit)?.[1] ?? '';
  expect(listing).toContain(`${start}\n`);
  for (const line of ['Type=notify', 'KillMode=process', 'Delegate=yes', 'Restart=always', 'OOMScoreAdjust=-999'])
    expect(unit).toContain(`\n${line}\n`);
});

test('every command of the programs has a page of the manual, which groff sets without complaint', async () => {
  const pages = readdirSync(installed(manual));
  const programs = [ctr, nerdctl, containerd('')];
  const commands = programs.flatMap(({ name, commands: all }) =>
    all.filter(({ hidden }) => !hidden).map((one) => `${name}-${one.name}.8`),
  );
  expect(pages.sort()).toEqual([...programs.map(({ name }) => `${name}.8`), ...commands].sort());
  const set = await run('groff', ['-man', '-Tutf8', '-ww', ...pages.map((name) => installed(`${manual}${name}`))]);
  expect({ code: set.code, stderr: set.stderr }).toEqual({ code: 0, stderr: '' });
  const page = await run('groff', ['-man', '-Tascii', '-P-cbou', installed(`${manual}ctr-images.8`)]);
  for (const words of ['--all-platforms', 'ctr images pull [command options] [flags] <ref>', 'CONTAINERD_SNAPSHOTTER'])
    expect(page.stdout).toContain(words);
});

/** What bash offers for the last of these words; `words` may hold a program's path before it. */
async function offered(program: string, ...words: readonly string[]): Promise<string[]> {
  const script = installed(`usr/local/share/bash-completion/completions/${program}`);
  const { code, stdout, stderr } = await run('bash', [
    '--norc',
    '-uc',
    `source "$1"; COMP_LINE=$2; COMP_POINT=\${#2}; _berth_"$3"; printf "%s\\n" "\${COMPREPLY[@]}"`,
    'bash',
    script,
    [installed(`usr/local/bin/${program}`), ...words].join(' '),
    program,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands at every depth, behind flags with their values, and by other names', async () => {
  expect(await offered('ctr', 'im')).toEqual(['images']);
  expect(await offered('ctr', '-a', '/x', '--namespace=k8s', 'i', 'pu')).toEqual(['pull', 'push']);
  expect(await offered('ctr', 'snapshots', '--snapshotter', 'native', 'tr')).toEqual(['tree']);
  expect(await offered('ctr', 'images', 'pull', '--pla')).toEqual(['--plain-http', '--platform']);
  expect(await offered('containerd', 'config', 'd')).toEqual(['default', 'dump']);
});

test('bash offers names that the daemon tells, cut as bash cuts words, and nothing where none answers in time', async () => {
  const daemon = new TestDaemon({ built: true });
  await using _ = daemon;
  daemon.executable = installed('usr/local/bin/containerd');
  await daemon.start();
  const at = ['-a', daemon.address];
  await using client = openClient(daemon.address);
  // Or a collection takes it.
  const labels = { 'containerd.io/gc.root': 'now' };
  const bytes = Buffer.from('some bytes');
  const blob = await writeBlob(client.content, scopeOf('one'), { mediaType: 'x/y', bytes, labels });
  const digest = blob.digest.replace('sha256:', '');
  expect(await run(installed('usr/local/bin/ctr'), [...at, 'namespaces', 'create', 'two'])).toMatchObject({ code: 0 });
  // The daemon has a second to answer, and may be too busy once.
  const told = async (...words: readonly string[]) => {
    for (let tries = 0; tries < 20; tries++) {
      const names = await offered('ctr', ...words);
      if (names.length > 0) return names;
    }
    return [];
  };
  expect(await told(...at, '-n', '')).toEqual(['one', 'two']);
  expect(await told(...at, 'namespaces', 'rm', 'o')).toEqual(['one']);
  expect(await told(...at, '-n', 'one', 'content', 'get', '')).toEqual([`sha256:${digest}`]);
  expect(await told(...at, '--namespace=one', 'content', 'get', `sha256:${digest.slice(0, 8)}`)).toEqual([digest]);
  expect(await offered('ctr', ...at, '-n', 'two', 'content', 'get', '')).toEqual([]);
  expect(await told(...at, 'images', 'check', '--snapshotter', 'ov')).toEqual(['overlayfs']);
  process.kill(daemon.pid, 'SIGSTOP');
  try {
    const begun = performance.now();
    expect(await offered('ctr', ...at, 'namespaces', 'rm', 'o')).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(60_000); // one second, on a machine that is not busy
  } finally {
    process.kill(daemon.pid, 'SIGCONT');
  }
}, 120_000);

test('bash offers no commands where a value or an argument stands', async () => {
  expect(await offered('ctr', '--address', '')).toEqual([]);
  expect(await offered('ctr', 'images', 'pull', 'busybox', '')).toEqual([]);
  expect(await offered('ctr', 'nonsense', '')).toEqual([]);
});
