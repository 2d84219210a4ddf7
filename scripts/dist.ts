/**
 * `npm run dist`: a tarball of what `npm run build` made, to be unpacked at `/`: programs below usr/local/bin and usr/local/lib/berth, a systemd unit, completions,
 * manual pages.
 * `-- --out DIR` puts it elsewhere than dist/. The names of the one executable stay hard links in it. The same commit
 * and programs give the same bytes; SOURCE_DATE_EPOCH sets another date for everything inside.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { berthVersion } from '#base/version';
import { wholeProgram } from '#cmd/cli/command';
import { completion, type Shell, shells } from '#cmd/cli/completion';
import { manualPages } from '#cmd/cli/manual';
import { containerd } from '#cmd/containerd/program';
import { ctr } from '#cmd/ctr/program';
import { nerdctl } from '#cmd/nerdctl/program';

const top = new URL('..', import.meta.url).pathname;
const { out } = parseArgs({ options: { out: { type: 'string', default: join(top, 'dist') } } }).values;
/** Where each shell looks for what is installed by hand. */
const completionPath: Readonly<Record<Shell, (program: string) => string>> = {
  bash: (program) => `usr/local/share/bash-completion/completions/${program}`,
  zsh: (program) => `usr/local/share/zsh/site-functions/_${program}`,
  fish: (program) => `usr/local/share/fish/vendor_completions.d/${program}.fish`,
};

const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
const tarball = resolve(out, `berth-${berthVersion.own}-linux-${architecture}.tar.gz`);
const stage = mkdtempSync(join(top, 'dist/.stage-'));
try {
  await fill();
  pack();
} finally {
  rmSync(stage, { recursive: true });
}
const sum = createHash('sha256').update(readFileSync(tarball)).digest('hex');
writeFileSync(`${tarball}.sha256sum`, `${sum}  ${tarball.split('/').at(-1)}\n`);
console.log(`dist: ${tarball}: ${Math.round(statSync(tarball).size / 1e6)} MB`);

async function fill(): Promise<void> {
  for (const name of ['bin/containerd', 'bin/containerd-shim-runc-v2', 'bin/berth-init', 'lib/berth/containerd'])
    copyFileSync(join(top, 'dist', name), place(`usr/local/${name}`), constants.COPYFILE_FICLONE);
  for (const name of ['ctr', 'nerdctl', 'ctd-decoder'])
    for (const directory of ['bin', 'lib/berth'])
      linkSync(place(`usr/local/${directory}/containerd`), place(`usr/local/${directory}/${name}`));
  copyFileSync(join(top, 'scripts/containerd.service'), place('etc/systemd/system/containerd.service'));
  copyFileSync(join(top, 'LICENSE'), place('usr/local/share/doc/berth/LICENSE'));
  for (const program of await Promise.all([ctr, nerdctl, containerd('')].map(wholeProgram))) {
    for (const shell of shells)
      writeFileSync(place(completionPath[shell](program.name)), completion(program, shell), { mode: 0o644 });
    const date = new Date(Number(dateOf()) * 1000).toISOString().slice(0, 10);
    for (const [name, text] of manualPages(program, { source: `berth ${berthVersion.own}`, date }))
      writeFileSync(place(`usr/local/share/man/man8/${name}`), text, { mode: 0o644 });
  }
}

function place(path: string): string {
  const full = join(stage, path);
  mkdirSync(dirname(full), { recursive: true, mode: 0o755 });
  return full;
}

function pack(): void {
  mkdirSync(dirname(tarball), { recursive: true });
  const same = ['--sort=name', '--numeric-owner', '--owner=0', '--group=0', `--mtime=@${dateOf()}`, '--format=gnu'];
  // Not the stage itself: unpacking must not change the mode of `/`.
  const args = ['-C', stage, ...same, '--mode=u+rwX,go+rX,go-w', '-czf', tarball, 'etc', 'usr'];
  const { status, error } = spawnSync('tar', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`tar ended with ${status}`);
}

/** Seconds: as asked for, else of the last commit, else (no repository) now. */
function dateOf(): string {
  if (process.env.SOURCE_DATE_EPOCH !== undefined) return process.env.SOURCE_DATE_EPOCH;
  const { status, stdout } = spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: top, encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : String(Math.floor(Date.now() / 1000));
}
