import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tarLayer } from '#test/support/busybox-image';
import { writeOciArchive } from '#test/support/oci-archive';
import { sampleImage } from '#test/support/sample-image';

const top = new URL('../..', import.meta.url).pathname;
const applets = 'sh cat sleep echo ls dd head tail sha256sum mount mkdir id yes sed grep true false kill chown stat ps';

/** The name under which busybox.tar has its image. */
export const busyboxName = 'docker.io/library/busybox:vm';

/** A directory with what the machine gets: `berth.tar.gz` as `npm run dist` makes it, and `busybox.tar`, an image. To be removed by the caller. */
export function makePayload(): string {
  const directory = mkdtempSync(join(tmpdir(), 'berth-vm-payload-'));
  const made = spawnSync(process.execPath, [join(top, 'scripts/dist.ts'), '--out', directory], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`dist: ${made.stdout}${made.stderr}`);
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tar.gz')) ?? 'none';
  renameSync(join(directory, tarball), join(directory, 'berth.tar.gz'));
  writeOciArchive(join(directory, 'busybox.tar'), busyboxName, { 'linux/amd64': image(directory) });
  return directory;
}

function image(directory: string) {
  const root = mkdtempSync(join(directory, 'image-'));
  try {
    for (const name of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'run']) mkdirSync(join(root, name));
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const name of applets.split(' ')) symlinkSync('busybox', join(root, 'bin', name));
    return sampleImage([tarLayer(root)]);
  } finally {
    rmSync(root, { recursive: true });
  }
}
