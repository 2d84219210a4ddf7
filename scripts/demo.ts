/**
 * The whole engine once, for a reader: a private daemon, a real registry, Debian's nginx as an image, pushed, pulled and run with a published port, and
 * its page fetched. Everything lives in one directory and one network namespace, which are gone at the end.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { writeOciArchive } from '#test/support/oci-archive';
import { nginxImage } from '#test/support/program-image';

if (process.getuid?.() !== 0) {
  console.error('demo: containers need root: run this as root');
  process.exit(1);
}
// In a network of its own: no bridge, rule or port of this machine is touched.
const inside = 'BERTH_DEMO_NETWORK';
if (process.env[inside] === undefined) {
  const again = ['--net', '--', process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', again, { stdio: 'inherit', env: { ...process.env, [inside]: 'own' } });
  process.exit(status ?? 1);
}
spawnSync('ip', ['link', 'set', 'lo', 'up']);

const bin = new URL('../dist/bin/', import.meta.url).pathname;
const directory = mkdtempSync('/tmp/berth-demo-');
const address = join(directory, 'containerd.sock');
const started: ChildProcess[] = [];
const image = 'nginx:demo';
const page = 'http://127.0.0.1:8080/';
/** Where this daemon is, and where nerdctl keeps its own: what a user has no need to say. */
const where = [
  ...['--address', address, '--data-root', join(directory, 'nerdctl')],
  ...['--cni-netconfpath', join(directory, 'net.d')],
];
let daemon: ChildProcess | undefined;

try {
  await demo();
  console.log('\nDone: pushed, pulled, ran, published, exec-ed. Nothing is left on this machine.');
} catch (thrown) {
  console.error(`demo: ${thrown instanceof Error ? thrown.message : thrown}`);
  process.exitCode = 1;
  spawnSync(`${bin}nerdctl`, [...where, 'rm', '-f', 'web'], { stdio: 'ignore' }); // if it came so far
} finally {
  for (const child of started.reverse()) await end(child);
  rmSync(directory, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  step('A daemon of its own', `${bin}containerd -c ${directory}/config.toml`);
  await startDaemon();
  ctr('version');
  step('A real registry: docker-registry on the loopback');
  const name = `${await startRegistry()}/library/${image}`;
  step("An image made of Debian's nginx, taken in and pushed");
  writeOciArchive(join(directory, 'image.tar'), name, {
    [`linux/${process.arch === 'x64' ? 'amd64' : process.arch}`]: nginxImage(),
  });
  ctr('image', 'import', join(directory, 'image.tar'));
  ctr('image', 'push', '--plain-http', name);
  ctr('image', 'rm', '--sync', name);
  step('Run: pulled because it is not there, and published on a port');
  nerdctl('run', '-d', '-p', '8080:80', '--name', 'web', '--restart', 'always', '-m', '64m', name);
  nerdctl('ps');
  await fetchPage();
  nerdctl('logs', 'web');
  nerdctl('exec', 'web', 'sh', '-c', 'echo "I am pid $$ of:"; ps');
  step('The daemon is killed and started again; the container does not notice');
  await end(started.splice(started.indexOf(daemon as ChildProcess), 1)[0] as ChildProcess, 'SIGKILL');
  await fetchPage();
  await startDaemon();
  nerdctl('ps');
  nerdctl('exec', 'web', 'sh', '-c', 'echo still here');
  step('ctr shows the same, as the engine itself sees it');
  ctr('task', 'ls');
  step('Clean up');
  nerdctl('rm', '-f', 'web');
  ctr('image', 'rm', '--sync', name);
}

/** A server needs a moment to listen. */
async function fetchPage(): Promise<void> {
  console.log(`\n$ curl ${page}`);
  for (let tries = 0; ; tries++) {
    try {
      const response = await fetch(page);
      console.log((await response.text()).trimEnd());
      return;
    } catch (thrown) {
      if (tries === 50) throw thrown;
      await wait(100);
    }
  }
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

function ctr(...args: readonly string[]): void {
  shown('ctr', ['-a', address], args);
}

function nerdctl(...args: readonly string[]): void {
  shown('nerdctl', where, args);
}

/** Runs a command as a user would, showing it and what it prints. */
function shown(program: string, before: readonly string[], args: readonly string[]): void {
  console.log(`\n$ ${program} ${args.map((word) => (/[\s"$]/.test(word) ? `'${word}'` : word)).join(' ')}`);
  const { status } = spawnSync(`${bin}${program}`, [...before, ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}`);
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
