import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const top = new URL('../..', import.meta.url).pathname;
const guest = new URL('guest', import.meta.url).pathname;
const cache = join(top, 'build/vm');
const rootSize = '3G';

const kernelPackage = 'linux-image-cloud-amd64';
/** What the machine has beside Debian's essential packages. */
const packages = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'apparmor',
  'kmod',
  'runc',
  'containerd',
  'busybox-static',
  'docker-registry',
];
/** Units that such a machine can do without, or that the tests start themselves. */
const disabled = [
  'multi-user.target.wants/containerd.service',
  'multi-user.target.wants/docker-registry.service',
  'multi-user.target.wants/remote-fs.target',
  'sysinit.target.wants/systemd-pstore.service',
];
const masked = [
  'getty.target',
  'serial-getty@ttyS0.service',
  'systemd-logind.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  'dpkg-db-backup.timer',
  'fstrim.timer',
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'systemd-tmpfiles-clean.timer',
];

export interface VmImage {
  readonly kernel: string;
  /** A raw image of an ext4 file system; to be copied before it is written to. */
  readonly root: string;
}

/**
 * The machine's kernel and root file system, made of Debian's packages by what apt is configured with. Kept in build/vm and made again
 * when this file, the guest's files or a package's version changes.
 *
 * @throws with the output of the program that failed. About a minute when it must be made.
 */
export function vmImage(): VmImage {
  if (process.arch !== 'x64') throw new Error(`the virtual machine is for x64, not ${process.arch}`);
  const kernel = output('apt-cache', ['depends', '--important', kernelPackage]).match(
    /Depends: (linux-image-\S+)/,
  )?.[1];
  if (kernel === undefined) throw new Error(`apt does not know ${kernelPackage}: run apt-get update`);
  const directory = join(cache, keyOf(kernel));
  if (!existsSync(directory)) {
    console.log('making the virtual machine (once)…');
    rmSync(cache, { recursive: true, force: true });
    // Not in the tree, where others look into every directory while it has file systems mounted.
    const work = mkdtempSync(join(tmpdir(), 'berth-vm-making-'));
    try {
      make(work, kernel);
      const finished = `${directory}.new`;
      mkdirSync(finished, { recursive: true });
      for (const name of ['vmlinuz', 'root.ext4']) output('cp', ['--sparse=always', join(work, name), finished]);
      renameSync(finished, directory);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return { kernel: join(directory, 'vmlinuz'), root: join(directory, 'root.ext4') };
}

function keyOf(kernel: string): string {
  const hash = createHash('sha256');
  for (const file of [import.meta.path, ...readdirSync(guest).map((name) => join(guest, name))])
    hash.update(readFileSync(file));
  const policy = output('apt-cache', ['policy', kernel, ...packages]);
  for (const [line] of policy.matchAll(/^(\S+:| {2}Candidate: .*)$/gm)) hash.update(line);
  return hash.digest('hex').slice(0, 16);
}

function make(work: string, kernel: string): void {
  const root = join(work, 'root');
  const without = ['man', 'doc', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const suite = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  output('unshare', [
    // What it mounts ends with it.
    ...['--mount', '--propagation', 'private', 'mmdebstrap', '--mode=root'],
    '--variant=essential',
    '--aptopt=APT::Install-Recommends "false"',
    ...without,
    `--include=${packages.join(',')}`,
    '--format=directory',
    suite,
    root,
    ...aptSources(),
  ]);
  output('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', kernel], work);
  const archive = readdirSync(work).find((name) => name.endsWith('.deb')) ?? 'none';
  output('dpkg', ['-x', join(work, archive), join(work, 'kernel')]);
  install(work, root);
  output('truncate', ['-s', rootSize, join(work, 'root.ext4')]);
  output('mke2fs', ['-q', '-t', 'ext4', '-d', root, join(work, 'root.ext4')]);
}

/** The files that name apt's sources on this machine. */
function aptSources(): readonly string[] {
  const parts = '/etc/apt/sources.list.d';
  const found = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(list|sources)$/.test(name)) : [];
  return ['/etc/apt/sources.list', ...found.map((name) => join(parts, name))].filter((path) => existsSync(path));
}

function install(work: string, root: string): void {
  const version = readdirSync(join(work, 'kernel/lib/modules'))[0] ?? 'none';
  copyFileSync(join(work, `kernel/boot/vmlinuz-${version}`), join(work, 'vmlinuz'));
  output('cp', ['-a', join(work, 'kernel/lib/modules'), join(root, 'lib/')]);
  output('chroot', [root, 'depmod', version]);
  const units = join(root, 'etc/systemd/system');
  for (const path of disabled) rmSync(join(units, path), { force: true });
  for (const name of masked) {
    rmSync(join(units, name), { force: true });
    symlinkSync('/dev/null', join(units, name));
  }
  copyFileSync(join(guest, 'agent.sh'), join(root, 'usr/local/sbin/vm-agent'));
  chmodSync(join(root, 'usr/local/sbin/vm-agent'), 0o755);
  for (const unit of ['vm-agent.service', 'vm-disks.service']) {
    copyFileSync(join(guest, unit), join(units, unit));
    output('chroot', [root, 'systemctl', 'enable', '--quiet', unit]);
  }
  for (const name of ['payload', 'var/lib/containerd']) mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'etc/fstab'), '');
  writeFileSync(join(root, 'etc/hostname'), 'berth-vm\n');
  writeFileSync(join(root, 'etc/machine-id'), '0123456789abcdef0123456789abcdef\n');
}

function output(command: string, args: readonly string[], cwd = top): string {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 600_000, maxBuffer: 1 << 26 });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`${command} ended with ${done.status}:\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}
