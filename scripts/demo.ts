/**
 * The whole engine once, for a reader: a private daemon, an image made from Debian's busybox, a real registry, and the image pushed,
 * pulled, run and exec'd into. Everything lives in one directory that is removed at the end.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { busyboxImage } from '#test/support/busybox-image';
import { writeOciArchive } from '#test/support/oci-archive';

const bin = new URL('../dist/bin/', import.meta.url).pathname;
const directory = mkdtempSync('/tmp/berth-demo-');
const address = join(directory, 'containerd.sock');
const started: ChildProcess[] = [];
const image = 'busybox:demo';
let daemon: ChildProcess | undefined;

try {
  await demo();
  console.log('\nDone: pushed, pulled, ran, exec-ed. Nothing is left on this machine.');
} catch (thrown) {
  console.error(`demo: ${thrown instanceof Error ? thrown.message : thrown}`);
  process.exitCode = 1;
} finally {
  for (const child of started.reverse()) await end(child);
  rmSync(directory, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('containers need root: run this as root');
  step('A daemon of its own', `${bin}containerd -c ${directory}/config.toml`);
  await startDaemon();
  ctr('version');
  step('A real registry: docker-registry on the loopback');
  const registry = await startRegistry();
  const name = `${registry}/library/${image}`;
  step("An image made from Debian's busybox-static, taken in and pushed");
  writeOciArchive(join(directory, 'image.tar'), name, { 'linux/amd64': busyboxImage() });
  ctr('image', 'import', join(directory, 'image.tar'));
  ctr('image', 'push', '--plain-http', name);
  ctr('image', 'rm', '--sync', name);
  step('Pulled back: download, check, inflate and unpack overlap');
  ctr('image', 'pull', '--plain-http', name);
  ctr('image', 'ls');
  step('Run');
  ctr('run', '--rm', name, 'demo-once', 'echo', 'hello from a container');
  ctr('run', '-d', name, 'demo', 'sleep', '1000');
  ctr('task', 'ls');
  step('Exec into it');
  ctr('task', 'exec', '--exec-id', 'look', 'demo', 'sh', '-c', 'echo "I am pid $$ of:"; ps');
  step('The daemon is killed and started again; the container does not notice');
  await end(started.splice(started.indexOf(daemon as ChildProcess), 1)[0] as ChildProcess, 'SIGKILL');
  await startDaemon();
  ctr('task', 'ls');
  ctr('task', 'exec', '--exec-id', 'again', 'demo', 'echo', 'still here');
  step('Clean up');
  ctr('task', 'rm', '-f', 'demo');
  ctr('container', 'rm', 'demo');
  ctr('image', 'rm', '--sync', name);
}

async function startDaemon(): Promise<void> {
  const config = join(directory, 'config.toml');
  writeFileSync(
    config,
    `version = 3\nroot = '${directory}/root'\nstate = '${directory}/state'\n[grpc]\naddress = '${address}'\n`,
  );
  daemon = spawn(`${bin}containerd`, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(daemon);
  await until(daemon, /successfully booted/);
}

async function startRegistry(): Promise<string> {
  const port = await freePort();
  const config = join(directory, 'registry.yml');
  mkdirSync(join(directory, 'registry'));
  writeFileSync(
    config,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${directory}/registry}}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  await until(child, /listening on/);
  return `127.0.0.1:${port}`;
}

/** Runs our ctr as a user would, showing the command and what it prints. */
function ctr(...args: readonly string[]): void {
  console.log(`\n$ ctr ${args.map((word) => (/[\s"$]/.test(word) ? `'${word}'` : word)).join(' ')}`);
  const { status } = spawnSync(`${bin}ctr`, ['-a', address, ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`ctr ${args.join(' ')} ended with ${status}`);
}

function step(title: string, command = ''): void {
  console.log(`\n\x1b[1m== ${title}\x1b[0m${command === '' ? '' : `\n$ ${command}`}`);
}

/** Waits for a line in the log. What comes later is read and dropped, so that the program is never held up. */
function until(child: ChildProcess, line: RegExp): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (said.length < 1 << 20) said += chunk.toString();
    if (line.test(said)) resolve();
  });
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}:\n${said}`)));
  return promise;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill(signal);
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof bound !== 'object' || bound === null) throw new Error('no port is free');
  return bound.port;
}
