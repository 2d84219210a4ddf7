import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tarLayer } from '#test/support/busybox-image';
import { writeOciArchive } from '#test/support/oci-archive';
import { type SampleLayer, sampleImage, sampleLayer } from '#test/support/sample-image';
import { addToRegistry } from './registry-tree.ts';

const top = new URL('../..', import.meta.url).pathname;
const applets = 'sh cat sleep echo ls dd head tail sha256sum mount mkdir id yes sed grep true false kill chown stat ps';

/** The name under which busybox.tar has its image. */
export const busyboxName = 'docker.io/library/busybox:vm';

export interface PayloadOptions {
  /** How many images the registry has; each has busybox and no other layer in common with another. */
  readonly images: number;
  /** Put the tarball's content there, below `berth`, instead of the tarball. */
  readonly unpacked: boolean;
}

/**
 * A directory with what a machine gets: `berth.tar.gz` as `npm run dist` makes it, `busybox.tar`, an image, and `registry`, a
 * registry's tree with the images `pulled-0`, `pulled-1` … To be removed by the caller.
 */
export function makePayload({ images, unpacked }: PayloadOptions): string {
  const directory = mkdtempSync(join(tmpdir(), 'berth-vm-payload-'));
  done(process.execPath, join(top, 'scripts/dist.ts'), '--out', directory);
  const tarball = join(directory, readdirSync(directory).find((name) => name.endsWith('.tar.gz')) ?? 'none');
  if (unpacked) {
    mkdirSync(join(directory, 'berth'));
    done('tar', '-C', join(directory, 'berth'), '-xzf', tarball);
    rmSync(tarball);
  } else {
    renameSync(tarball, join(directory, 'berth.tar.gz'));
  }
  const busybox = busyboxLayer(directory);
  writeOciArchive(join(directory, 'busybox.tar'), busyboxName, { 'linux/amd64': sampleImage([busybox]) });
  for (let at = 0; at < images; at++) {
    const own = ['a', 'b', 'c'].map((name) => sampleLayer({ [`data-${name}`]: randomBytes(700_000) }));
    addToRegistry(join(directory, 'registry'), `pulled-${at}`, sampleImage([busybox, ...own]));
  }
  return directory;
}

function busyboxLayer(directory: string): SampleLayer {
  const root = mkdtempSync(join(directory, 'image-'));
  try {
    for (const name of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'run']) mkdirSync(join(root, name));
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const name of applets.split(' ')) symlinkSync('busybox', join(root, 'bin', name));
    return tarLayer(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function done(command: string, ...args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
}
