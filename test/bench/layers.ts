import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A gzipped tar of files of this machine's /usr. */
export interface LayerFile {
  readonly path: string;
  readonly diffId: string;
  readonly files: number;
  /** What its files hold, before compression. */
  readonly bytes: number;
}

interface UsrFile {
  readonly path: string;
  readonly size: number;
}

/**
 * One layer of so many files that hold so many bytes: files of /usr in the order of their names, each taken when its size keeps the mean where it
 * should be. The same on every machine with the same /usr.
 */
export async function mixedLayer(directory: string, files: number, bytes: number): Promise<LayerFile> {
  const mean = bytes / files;
  const slack = bytes / 20;
  const chosen: UsrFile[] = [];
  let total = 0;
  for (const file of usrFiles()) {
    if (chosen.length === files) break;
    if (total + file.size > mean * (chosen.length + 1) + slack) continue;
    chosen.push(file);
    total += file.size;
  }
  if (chosen.length < files) throw new Error(`/usr has not enough files for a layer of ${files}`);
  return await pack(directory, 'mixed', chosen);
}

/** So many layers, each of so many bytes before compression. */
export async function evenLayers(directory: string, count: number, bytes: number): Promise<readonly LayerFile[]> {
  const groups: UsrFile[][] = [[]];
  let size = 0;
  for (const file of usrFiles()) {
    if (file.size > bytes / 4) continue;
    if (size + file.size > bytes) {
      if (groups.length === count) break;
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(file);
    size += file.size;
  }
  if (groups.length < count) throw new Error(`/usr has not enough files for ${count} layers of ${bytes} bytes`);
  const layers: LayerFile[] = [];
  for (let at = 0; at < groups.length; at += 2)
    layers.push(
      ...(await Promise.all(groups.slice(at, at + 2).map((each, i) => pack(directory, `even-${at + i}`, each)))),
    );
  return layers;
}

function* usrFiles(): Generator<UsrFile> {
  for (const base of ['/usr/bin', '/usr/include', '/usr/lib', '/usr/share']) {
    for (const path of filesBelow(base)) {
      const info = lstatSync(path, { throwIfNoEntry: false });
      if (info?.isFile() === true && !path.includes('\n')) yield { path, size: info.size };
    }
  }
}

/** Without following links, which lead in circles here. */
function* filesBelow(directory: string): Generator<string> {
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.isDirectory()) yield* filesBelow(join(directory, entry.name));
    else if (entry.isFile()) yield join(directory, entry.name);
  }
}

/** What an earlier run left in the directory is taken as it is. */
async function pack(directory: string, name: string, files: readonly UsrFile[]): Promise<LayerFile> {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${name}.tar.gz`);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (!existsSync(path)) {
    writeFileSync(`${path}.list`, `${files.map((file) => file.path).join('\n')}\n`);
    const tar = `tar -cPf - --transform 's,^/,${name}/,' -T '${path}.list'`;
    await bash(`set -eo pipefail; ${tar} > '${path}.tar'; sha256sum < '${path}.tar' > '${path}.sum'`);
    await bash(`set -e; gzip -6 < '${path}.tar' > '${path}.part'; rm '${path}.tar'`);
    renameSync(`${path}.part`, path);
  }
  const diffId = `sha256:${readFileSync(`${path}.sum`, 'utf8').slice(0, 64)}`;
  return { path, diffId, files: files.length, bytes };
}

async function bash(script: string): Promise<void> {
  const [code] = (await once(spawn('bash', ['-c', script], { stdio: 'inherit' }), 'close')) as [number];
  if (code !== 0) throw new Error(`making a layer failed with ${code}`);
}
