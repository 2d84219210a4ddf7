/**
 * `npm run build`: the addon and the shim (C), and one executable behind dist/bin/{containerd,ctr,nerdctl,ctd-decoder}, which are launchers (C) of
 * dist/lib/berth/{containerd,ctr,nerdctl,ctd-decoder}. What is up to date is not built again; `-- --force` builds all.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const top = new URL('..', import.meta.url).pathname;
const bin = join(top, 'dist/bin');
const lib = join(top, 'dist/lib/berth');
/** Hard links of one file: tar keeps them, and each knows its name. */
const names = ['containerd', 'ctr', 'nerdctl', 'ctd-decoder'] as const;

for (const directory of [bin, lib]) mkdirSync(directory, { recursive: true });
make('native/addon');
make('native/shim');
make('native/init');
make('native/launcher');
buildExecutable();
placeLaunchers();

function make(directory: string): void {
  run('make', ['-C', directory, '--no-print-directory', ...(process.argv.includes('--force') ? ['-B'] : [])]);
}

function buildExecutable(): void {
  const first = join(lib, names[0]);
  if (!process.argv.includes('--force') && names.every((name) => existsSync(join(lib, name))) && !isOlder(first)) {
    console.log('build: dist/lib/berth is up to date');
    return;
  }
  const workers = files('src').filter((file) => file.endsWith('.worker.ts'));
  // Workers stand beside the program in the embedded file system, so that their names alone find them.
  const made = join(lib, '.berth.new');
  run(process.execPath, [
    'build',
    '--compile',
    '--minify-syntax',
    '--minify-whitespace',
    // A program that root runs must not do what files in the present directory say; a plugin module may have packages of its own.
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
    '--compile-autoload-package-json',
    // Halves the time until a program's first line runs.
    '--bytecode',
    // Each program, and what only some commands or plugins need, is read when it is imported, and not with the first line.
    '--splitting',
    '--format=esm',
    '--entry-naming=[name].[ext]',
    '--define',
    'process.env.NODE_ENV="production"',
    `--outfile=${made}`,
    'src/main.ts',
    ...workers,
  ]);
  linkAll(made, lib);
  rmSync(made);
  console.log(`build: dist/lib/berth/{${names.join(',')}}: ${Math.round(statSync(first).size / 1e6)} MB`);
}

function placeLaunchers(): void {
  const launcher = join(top, 'build/launcher/launcher');
  const { ino } = statSync(launcher);
  if (names.some((name) => !existsSync(join(bin, name)) || statSync(join(bin, name)).ino !== ino))
    linkAll(launcher, bin);
}

/** Gives a file all names, each in one step: a running program keeps its file. */
function linkAll(file: string, directory: string): void {
  for (const name of names) {
    const link = join(directory, `.${name}.new`);
    rmSync(link, { force: true });
    linkSync(file, link);
    renameSync(link, join(directory, name));
  }
}

/** Whether any source is newer than the product. */
function isOlder(product: string): boolean {
  const made = statSync(product).mtimeMs;
  const sources = [...files('src'), 'package.json', 'package-lock.json', 'scripts/build.ts', 'build/addon/berth.node'];
  return sources.some((file) => statSync(join(top, file)).mtimeMs > made);
}

function files(directory: string): string[] {
  return readdirSync(join(top, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(top.length));
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd: top, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined) throw error;
  if (status !== 0) {
    console.error(`build: ${command} ${args.slice(0, 3).join(' ')} …: failed`);
    process.exit(1);
  }
}
