import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startDaemon } from '#test/support/daemon';
import { Dockerd } from '#test/support/dockerd';
import { DebianContainerd } from '../debian-containerd.ts';
import type { Engine } from '../engine.ts';
import { processesWith } from '../figures.ts';

/** A docker-like command line and the daemons behind it. */
export interface Contender extends Engine {
  /** Runs the command; its output goes nowhere. @throws when it fails, with what it said */
  run(...args: readonly string[]): Promise<void>;
  /** What it prints. @throws when it fails */
  output(...args: readonly string[]): Promise<string>;
  readonly daemons: readonly number[];
  /** What stays with containers: shims, proxies, loggers. */
  helpers(): readonly number[];
}

/** Berth with its nerdctl, and Debian's docker with a containerd, both in this process's network namespace. Disposing ends them. */
export async function startContenders(
  parent: string,
): Promise<AsyncDisposable & { readonly all: readonly [Contender, Contender] }> {
  await using open = new AsyncDisposableStack();
  const berth = open.use(await startDaemon({ parent, built: true }));
  const files = join(berth.directory, 'nerdctl');
  const ours = contender(
    'Berth',
    [
      new URL('../../../dist/bin/nerdctl', import.meta.url).pathname,
      ...['--address', berth.address, '--namespace', `bench-${process.pid}`],
      ...['--data-root', files, '--cni-netconfpath', join(files, 'net.d')],
    ],
    { address: berth.address, daemons: [berth.pid] },
  );
  const containerd = open.use(await DebianContainerd.start(parent));
  const docker = open.use(await Dockerd.start(containerd, { version: '20.10', sameNetwork: true }));
  const theirs = contender('docker 20.10', [docker.client, '--host', docker.host], {
    address: containerd.address,
    daemons: [docker.pid, containerd.pid],
  });
  const held = open.move();
  return { all: [ours, theirs], [Symbol.asyncDispose]: () => held.disposeAsync() };
}

interface Behind {
  readonly address: string;
  readonly daemons: readonly number[];
}

function contender(name: string, command: readonly string[], { address, daemons }: Behind): Contender {
  return {
    name,
    address,
    pid: daemons[0]!,
    ownCtr: '',
    daemons,
    run: async (...args) => void (await said(command, args, 'ignore')),
    output: (...args) => said(command, args, 'pipe'),
    helpers: () => processesWith(address).filter((pid) => !daemons.includes(pid)),
  };
}

/** Output that nobody wants goes to /dev/null directly, so that reading it costs this process nothing. */
async function said(command: readonly string[], args: readonly string[], stdout: 'ignore' | 'pipe'): Promise<string> {
  const [program = '', ...first] = command;
  const child = spawn(program, [...first, ...args], { stdio: ['ignore', stdout, 'pipe'] });
  let text = '';
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${errors}`);
  return text;
}
