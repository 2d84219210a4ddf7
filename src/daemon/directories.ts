import { chmodSync, mkdirSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { failedPrecondition, invalidArgument, isFault, wrap } from '#base/errors';
import { lockFile } from '#sys/lock';

/** Nobody but root may look into what containers left on disk. */
const rootMode = 0o700;
/** Others may pass through: user-namespaced containers have their bundles below. */
const stateMode = 0o711;

/**
 * Makes root and state and locks both for this process.
 *
 * @throws invalid_argument for relative paths or one directory for both; failed_precondition naming the process that has them
 */
export async function claimDirectories(root: string, state: string): Promise<Disposable> {
  if (!isAbsolute(root)) throw invalidArgument(`root ${JSON.stringify(root)}: wanted an absolute path`);
  if (!isAbsolute(state)) throw invalidArgument(`state ${JSON.stringify(state)}: wanted an absolute path`);
  if (join(root, '/') === join(state, '/')) throw invalidArgument(`root and state are both ${root}`);
  using locks = new DisposableStack();
  for (const [what, path, mode] of [
    ['root', root, rootMode],
    ['state', state, stateMode],
  ] as const) {
    try {
      await mkdir(path, { recursive: true, mode });
      await chmod(path, mode);
    } catch (thrown) {
      throw wrap(thrown, `${what} ${path}`);
    }
    locks.use(await lockDirectory(path));
  }
  return locks.move();
}

/** Takes a root or state directory for this process. @throws failed_precondition naming the process that has it */
export async function lockDirectory(directory: string): Promise<Disposable> {
  const path = join(directory, 'daemon.lock');
  try {
    const lock = lockFile(path);
    await writeFile(path, `${process.pid}\n`);
    return lock;
  } catch (thrown) {
    if (!isFault(thrown, 'failed_precondition')) throw wrap(thrown, `lock ${directory}`);
    const pid = (await readFile(path, 'utf8')).trim();
    throw failedPrecondition(`${directory} is in use by another daemon${pid === '' ? '' : ` (pid ${pid})`}`, thrown);
  }
}

/** A plugin's own directories, made when they are first asked for. */
export function pluginDirectories(
  root: string,
  state: string,
  name: string,
): { readonly rootDir: string; readonly stateDir: string } {
  return {
    get rootDir() {
      return made(join(root, name), rootMode);
    },
    get stateDir() {
      return made(join(state, name), stateMode);
    },
  };
}

// Synchronous, because it is a property; only while the daemon starts. One that an older daemon left open to others is closed (CVE-2024-25621).
function made(path: string, mode: number): string {
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode);
  return path;
}
