import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { startDaemon } from '#test/support/daemon';
import { peers } from '#test/support/dockerd';
import { PeerContainerd } from '#test/support/peer-containerd';

const top = new URL('../../..', import.meta.url).pathname;

export const shimName = 'containerd-shim-runc-v2';

/** Whose programs: ours, or those of a containerd, by the directory that they are in. */
export interface Programs {
  readonly name: string;
  readonly bin: string;
}

export const berth: Programs = { name: 'berth', bin: join(top, 'dist/bin') };
/** Debian's own, which setup installs. */
export const debian: Programs = { name: '1.6.20', bin: '/usr/bin' };
/** Debian unstable's. */
export const unstable: Programs = { name: peerVersion('containerd', '2.1.9'), bin: join(peers, 'containerd/usr/bin') };

/** Debian unstable's dockerd. */
export const unstableDocker = peerVersion('docker', '28.5');

/** Which version Debian unstable had when it was fetched. */
function peerVersion(name: string, expected: string): string {
  const link = join(peers, name);
  return existsSync(link) ? readlinkSync(link).slice(`${name}-`.length) : expected;
}

/** What a walk found. */
export interface Walked {
  readonly succeeded: number;
  /** A line for each check that failed. */
  readonly failed: readonly string[];
}

/** Several times what the longest needs. */
const scriptTimeoutMs = 900_000;
const stopping = new AbortController();

/** Ends the walks that are under way, and with them those to come; each clears away what it made. */
export const stopWalks = (): void => stopping.abort();

/** Runs a script that prints a line for each check. */
export async function runScript(path: string, env: Readonly<Record<string, string>>): Promise<Walked> {
  const child = spawn('sh', [path], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // what it started ends with it
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const end = (): void => void process.kill(-(child.pid as number), 'SIGKILL');
  stopping.signal.addEventListener('abort', end, { once: true });
  const late = setTimeout(end, scriptTimeoutMs);
  if (stopping.signal.aborted) end();
  const [code] = await closed;
  clearTimeout(late);
  stopping.signal.removeEventListener('abort', end);
  const lines = output.split('\n').filter((line) => line !== '');
  const failed = lines.filter((line) => !line.startsWith('ok '));
  const succeeded = lines.length - failed.length;
  if (code === null) failed.push('the script was ended');
  else if (failed.length === 0 && code !== 0) failed.push(`the script ended with ${code}`);
  return { failed, succeeded };
}

/**
 * A directory with our programs, which a later build leaves as they are, beside this shim: the daemon there finds no other.
 * Dispose removes it.
 */
export function programsWith(shim: Programs): Disposable & { readonly bin: string; readonly shim: string } {
  const root = mkdtempSync('/tmp/berth-programs-');
  const bin = join(root, 'bin');
  for (const directory of [bin, join(root, 'lib/berth')]) mkdirSync(directory, { recursive: true });
  for (const name of ['containerd', 'ctr']) {
    copyOf(join(berth.bin, name), join(bin, name));
    copyOf(join(berth.bin, '../lib/berth', name), join(root, 'lib/berth', name)); // where the launcher looks
  }
  const from = realpathSync(join(shim.bin, shimName));
  const ours = shim === berth;
  if (ours) copyOf(from, join(bin, shimName));
  else symlinkSync(from, join(bin, shimName));
  return {
    bin,
    shim: ours ? join(bin, shimName) : from,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A daemon under test, of any maker. */
export interface Daemon extends AsyncDisposable {
  readonly address: string;
  readonly directory: string;
  restart(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<unknown>;
  start(): Promise<void>;
}

/** A daemon that finds its shim in the directory, where our own programs are, too. */
export function startWith(bin: string, whose: Programs): Promise<Daemon> {
  return whose === berth
    ? startDaemon({ built: true, executable: join(bin, 'containerd') })
    : PeerContainerd.start({ bin: whose.bin, path: [bin] });
}

function copyOf(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to); // another file system
  }
}

/** Commands that have this process do something, and wait until it is done. */
export function serveCommands<K extends string>(
  directory: string,
  actions: Readonly<Record<K, () => Promise<void>>>,
): AsyncDisposable & { readonly commands: Readonly<Record<K, string>> } {
  mkdirSync(directory);
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 60,
    fetch: async (request) => {
      await actions[new URL(request.url).pathname.slice(1) as K]();
      return new Response('done');
    },
  });
  const commandOf = (name: string): string => {
    const path = join(directory, name);
    const ask = `if (!(await fetch("http://127.0.0.1:${server.port}/${name}")).ok) process.exit(1)`;
    writeFileSync(path, `exec ${process.execPath} -e '${ask}'\n`);
    return `sh ${path}`;
  };
  const commands = Object.fromEntries(Object.keys(actions).map((name) => [name, commandOf(name)])) as Record<K, string>;
  return { commands, [Symbol.asyncDispose]: () => server.stop(true) };
}
