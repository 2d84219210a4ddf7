import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openClient } from '#client/client';
import { scopeOf } from '#core/scope';
import { fillBusyboxRoot, tarLayer } from '#test/support/busybox-image';
import { type Finished, run, startDaemon, type TestDaemon } from '#test/support/daemon';
import { writeDockerArchive } from '#test/support/docker-archive';
import { forgetNamespace, leftBehind } from '#test/support/nothing-left';
import { type SampleImage, sampleImage } from '#test/support/sample-image';

const bin = new URL('../../../dist/bin/', import.meta.url).pathname;

/** The built daemon and the built nerdctl in a network namespace that they have for themselves, so that nothing of the machine's is touched. */
export interface RealRig extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly directory: string;
  readonly namespace: string;
  /** nerdctl's command line, for who starts it himself. */
  readonly command: readonly string[];
  /** nerdctl, to its end, whatever that is. */
  nerdctl(...words: readonly string[]): Promise<Finished>;
  /** What nerdctl printed. @throws when its exit code is not 0 */
  ok(...words: readonly string[]): Promise<string>;
  /** A program of the machine, as from the host that the containers are on. */
  onHost(...words: readonly string[]): Promise<Finished>;
  /** Fetches a page from the host; waits until there is one. @throws when it does not come */
  fetch(url: string): Promise<string>;
  load(name: string, image: SampleImage): Promise<void>;
  /** What there is of containers and networks outside the store: rules, interfaces, namespaces, addresses, CNI's notes, state directories. */
  traces(): readonly string[];
  /** All that containers have left, when there are none any more. */
  left(): Promise<readonly string[]>;
}

export interface RealOptions {
  /** The namespace that containers are in, when the test needs one. */
  readonly namespace?: string;
  /** Where the daemon's directory is made. */
  readonly parent?: string;
}

/** @throws when the programs are not built */
export async function startRealRig(options: RealOptions = {}): Promise<RealRig> {
  await using open = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'berth-real-'));
  open.defer(() => rmSync(directory, { recursive: true, force: true }));
  const holder = await startNetworkHolder();
  open.defer(() => void holder.kill('SIGKILL'));
  const entering = ['nsenter', '--target', String(holder.pid), '--net', '--mount', '--'];
  const executable = join(directory, 'containerd');
  writeFileSync(executable, `#!/bin/sh\nexec ${entering.join(' ')} ${bin}containerd "$@"\n`);
  chmodSync(executable, 0o755);
  const netconfPath = join(directory, 'net.d');
  mkdirSync(netconfPath);
  const config = `[plugins.'io.berth.network.v1.networks']\nnetconfpath = '${netconfPath}'\n`;
  const namespace = options.namespace ?? `real-${randomUUID().slice(0, 8)}`;
  open.defer(() => forgetNamespace(namespace)); // once the daemon has ended, with all that it was still about
  const daemon = open.use(
    await startDaemon({ built: true, executable, config, ...(options.parent && { parent: options.parent }) }),
  );
  const dataRoot = join(directory, 'nerdctl');
  const flags = ['--address', daemon.address, '--namespace', namespace, '--data-root', dataRoot];
  const command = [...entering, `${bin}nerdctl`, ...flags, '--cni-netconfpath', netconfPath];
  const onHost = (...words: readonly string[]) => run('nsenter', [...entering.slice(1), ...words]);
  const nerdctl = (...words: readonly string[]) => run('nsenter', [...command.slice(1), ...words]);
  const ok = async (...words: readonly string[]) => {
    const { code, stdout, stderr } = await nerdctl(...words);
    if (code !== 0) throw new Error(`nerdctl ${words.join(' ')}: ${code}: ${stderr}\n${daemon.log.slice(-2000)}`);
    return stdout.trim();
  };
  open.defer(async () => {
    const { stdout } = await nerdctl('ps', '-aq');
    const ids = stdout.split('\n').filter((id) => id !== '');
    if (ids.length > 0) await ok('rm', '-f', '-v', ...ids);
  });
  const say = (...words: readonly string[]) =>
    execFileSync('nsenter', [...entering.slice(1), ...words], { encoding: 'utf8' }).split('\n');
  const traces = () => [
    ...['iptables-save', 'ip6tables-save'].flatMap((save) => say(save).filter(isOfContainer)),
    ...say('ip', '-o', 'link').filter((line) => line.includes(': veth')),
    ...readFileSync(`/proc/${holder.pid}/mountinfo`, 'utf8')
      .split('\n')
      .filter((line) => line.includes(` ${daemon.directory}/`) || line.includes(` ${directory}/`)),
    ...namesBelow(`/proc/${holder.pid}/root/var/lib/cni`).filter((name) => /^results\/.|\/[\d.]+\.\d+$/.test(name)),
    ...namesBelow(dataRoot).filter((name) => /\b[0-9a-f]{64}\b/.test(name) || /\/names\/.*\/./.test(name)),
  ];
  const held = open.move();
  return {
    ...{ daemon, directory, namespace, command, nerdctl, ok, onHost, traces },
    fetch: async (url) => {
      let last: Finished | undefined;
      for (const end = Date.now() + 60_000; Date.now() < end; await wait(50)) {
        last = await onHost('curl', '-sSgf', '--max-time', '5', url);
        if (last.code === 0) return last.stdout;
      }
      throw new Error(`${url}: ${last?.stderr}`);
    },
    load: async (name, image) => {
      const archive = join(directory, 'image.tar');
      writeDockerArchive(archive, name, image);
      await ok('load', '-i', archive);
      rmSync(archive);
    },
    left: async () => {
      await using client = openClient(daemon.address);
      const inStore = await leftBehind(daemon, client, scopeOf(namespace));
      for (const end = Date.now() + 60_000; traces().length > 0 && Date.now() < end; ) await wait(50);
      return [...inStore, ...traces()];
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** busybox with the programs that speak with others. */
export function talkingBusybox(): SampleImage {
  const root = mkdtempSync(join(tmpdir(), 'berth-talking-'));
  try {
    const usual = [
      'sh',
      'cat',
      'echo',
      'sleep',
      'true',
      'ls',
      'dd',
      'yes',
      'head',
      'seq',
      'stty',
      'kill',
      'ps',
      'touch',
    ];
    fillBusyboxRoot(root, [...usual, 'wget', 'nc', 'nslookup', 'ip', 'hostname', 'date', 'top', 'env', 'id', 'sort']);
    return sampleImage([tarLayer(root)], { config: { Cmd: ['sh'], Env: ['PATH=/bin'] } });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Lines of one kind: none are empty. */
export const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

/** A process that keeps a network of its own, which has a loopback interface only, with the sysfs of it and no notes of CNI's. */
async function startNetworkHolder(): Promise<ChildProcess> {
  const script = [
    ...['ip link set lo up', 'mkdir -p /var/lib/cni', 'mount -t tmpfs tmpfs /var/lib/cni'],
    ...['mount -t sysfs sysfs /mnt', 'mount --rbind /sys/fs/cgroup /mnt/fs/cgroup', 'mount --move /mnt /sys'],
    ...['echo up', 'exec sleep 100000'],
  ].join(' && ');
  const holder = spawn('unshare', ['--net', '--mount', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    holder.stdout?.once('data', resolve);
    holder.once('exit', () => reject(new Error('no network namespace')));
  });
  return holder;
}

/** A rule of one container, as plugins and our own network write them. */
const isOfContainer = (rule: string): boolean =>
  rule.startsWith('-A') && (/ --dports? /.test(rule) || /10\.\d+\.\d+\.\d+(\/32)? /.test(rule));

const namesBelow = (path: string): readonly string[] =>
  existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
