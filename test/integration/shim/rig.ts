import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { TaskDeleteSchema, TaskExecStartedSchema, TaskExitSchema } from '#api/events/task_pb';
import { Task } from '#api/runtime/task/v2/task_pb';
import { ForwardRequestSchema } from '#api/services/ttrpc/events/v1/events_pb';
import { connectTtrpc, type TtrpcClient } from '#lib/ttrpc/client';
import { serveTtrpc, type TtrpcServer } from '#lib/ttrpc/server';

/** The program under test; BERTH_SHIM names another build of it, such as the one under ASan. */
export const shimProgram =
  process.env.BERTH_SHIM ?? join(import.meta.dirname, '../../../dist/bin/containerd-shim-runc-v2');

export const tasks = Task.method;

export interface SeenEvent {
  readonly topic: string;
  readonly id: string;
  readonly status: number;
}

export interface ContainerOptions {
  readonly args?: readonly string[];
  readonly terminal?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hostPids?: boolean;
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly rootfs?: readonly { readonly type: string; readonly source: string; readonly options: readonly string[] }[];
  readonly binaryName?: string;
  /** Of the shim. */
  readonly env?: Readonly<Record<string, string>>;
}

const namespaces = ['mount', 'ipc', 'uts', 'network'];
const applets = [
  'sh',
  'sleep',
  'echo',
  'cat',
  'seq',
  'head',
  'true',
  'tail',
  'stty',
  'yes',
  'kill',
  'wc',
  'usleep',
  'readlink',
  'ls',
];

/** A place for bundles, a stand-in for the daemon's event service, and the shims started from it. Leaves nothing behind. */
export class Rig implements AsyncDisposable {
  readonly directory = mkdtempSync('/dev/shm/berth-shimrig-');
  readonly namespace = `rig${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly events: SeenEvent[] = [];
  readonly #clients: TtrpcClient[] = [];
  readonly #pids = new Set<number>();
  #server: TtrpcServer | undefined;

  /** Debian's busybox, unpacked once for all containers of the rig. */
  readonly base = join(this.directory, 'base');

  constructor() {
    for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp', 'etc'])
      mkdirSync(join(this.base, name), { recursive: true });
    copyFileSync('/bin/busybox', join(this.base, 'bin/busybox'));
    for (const name of applets) symlinkSync('busybox', join(this.base, 'bin', name));
  }

  get ttrpc(): string {
    return join(this.directory, 'd.sock.ttrpc');
  }

  async listen(): Promise<void> {
    const forward = (payload: Uint8Array): Uint8Array => {
      const { envelope } = fromBinary(ForwardRequestSchema, payload);
      if (envelope) this.events.push(seen(envelope.topic, envelope.event?.value ?? new Uint8Array()));
      return new Uint8Array();
    };
    this.#server = await serveTtrpc(this.ttrpc, { 'containerd.services.events.ttrpc.v1.Events': { Forward: forward } });
  }

  /** The daemon goes away: its socket too. */
  async unlisten(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    rmSync(this.ttrpc, { force: true });
    this.#server = undefined;
  }

  bundle(id: string): string {
    return join(this.directory, id);
  }

  writeBundle(id: string, options: ContainerOptions = {}): void {
    mkdirSync(join(this.bundle(id), 'rootfs'), { recursive: true });
    writeFileSync(join(this.bundle(id), 'config.json'), JSON.stringify(configOf(options)));
  }

  /** Writes a bundle and runs `start` in it. */
  async start(id: string, options: ContainerOptions = {}): Promise<Shim> {
    this.writeBundle(id, options);
    const address = this.run(id, 'start', { TTRPC_ADDRESS: this.ttrpc, ...options.env }).toString();
    const client = await connectTtrpc(address);
    this.#clients.push(client);
    const shim = new Shim(this, client, address, id);
    this.#pids.add((await shim.call(tasks.connect, { id })).shimPid);
    return shim;
  }

  run(id: string, action: string, env: Readonly<Record<string, string>> = {}, input = new Uint8Array()): Buffer {
    const args = [
      '-namespace',
      this.namespace,
      '-address',
      join(this.directory, 'd.sock'),
      '-publish-binary',
      '/bin/false',
      '-id',
      id,
    ];
    return execFileSync(shimProgram, [...args, '-bundle', this.bundle(id), action], {
      cwd: this.bundle(id),
      env: { ...process.env, ...env },
      input,
    });
  }

  /** Start, Create and Start again, with what the container is to run. */
  async launch(id: string, options: ContainerOptions = {}): Promise<Shim> {
    const shim = await this.start(id, options);
    await shim.create(options);
    await shim.call(tasks.start, { id });
    return shim;
  }

  fifo(name: string): string {
    const path = join(this.directory, name);
    execFileSync('mkfifo', [path]);
    return path;
  }

  async eventually(what: string, test: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
    for (let waited = 0; !(await test()); waited += 10) {
      if (waited >= ms) throw new Error(`never: ${what}; events: ${JSON.stringify(this.events)}`);
      await wait(10);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const pid of this.#pids) killTree(pid);
    await this.eventually('shims have ended', () => [...this.#pids].every((pid) => !existsSync(`/proc/${pid}/exe`)));
    await this.unlisten();
    for (const id of readdirSync(this.directory)) {
      if (!existsSync(join(this.bundle(id), 'config.json'))) continue;
      const rest = existsSync(join(this.bundle(id), 'runtime')) ? this.run(id, 'delete') : undefined;
      if (rest === undefined) removeSocket(this.bundle(id));
    }
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(join('/run/containerd/runc', this.namespace), { recursive: true, force: true });
  }
}

/** One connection to a shim, and the container that it was started for. */
export class Shim {
  readonly rig: Rig;
  readonly client: TtrpcClient;
  readonly address: string;
  readonly id: string;

  constructor(rig: Rig, client: TtrpcClient, address: string, id: string) {
    this.rig = rig;
    this.client = client;
    this.address = address;
    this.id = id;
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
    timeoutMs = 60_000,
  ): Promise<MessageShape<O>> {
    const request = toBinary(method.input, create(method.input, init));
    const { typeName } = method.parent;
    return fromBinary(method.output, await this.client.call(typeName, method.name, request, { timeoutMs }));
  }

  async create(options: ContainerOptions = {}, id = this.id, timeoutMs = 60_000): Promise<number> {
    const rootfs = options.rootfs ?? [{ type: 'bind', source: this.rig.base, options: ['rbind', 'ro'] }];
    const { terminal = false, stdin = '', stdout = '', stderr = '' } = options;
    const any = { typeUrl: 'containerd.runc.v1.Options', value: binaryName(options.binaryName) };
    const mounts = rootfs.map((mount) => ({ ...mount, options: [...mount.options] }));
    const request = { id, bundle: this.rig.bundle(id), rootfs: mounts, terminal, stdin, stdout, stderr, options: any };
    return (await this.call(tasks.create, request, timeoutMs)).pid;
  }

  async exec(execId: string, args: readonly string[], options: ContainerOptions = {}): Promise<number> {
    const { terminal = false, stdin = '', stdout = '', stderr = '' } = options;
    const value = Buffer.from(JSON.stringify(processOf(args, terminal)));
    const spec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process', value };
    await this.call(tasks.exec, { id: this.id, execId, terminal, stdin, stdout, stderr, spec });
    return (await this.call(tasks.start, { id: this.id, execId })).pid;
  }

  async exitOf(execId = ''): Promise<number> {
    return (await this.call(tasks.wait, { id: this.id, execId })).exitStatus;
  }

  /** Kills, waits, deletes and shuts down. */
  async end(): Promise<void> {
    await this.call(tasks.kill, { id: this.id, signal: 9 }).catch(() => undefined);
    await this.exitOf();
    await this.call(tasks.delete, { id: this.id });
    await this.call(tasks.shutdown, { id: this.id }).catch(() => undefined);
  }

  async pid(): Promise<number> {
    return (await this.call(tasks.connect, { id: this.id })).shimPid;
  }
}

/** Everything that comes out of a fifo until all who write to it have closed it. */
export function drain(path: string): Promise<string> {
  const cat = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 });
  const chunks: Buffer[] = [];
  cat.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => cat.on('close', () => resolve(Buffer.concat(chunks).toString('latin1'))));
}

/** A writer of a fifo that never blocks on opening. */
export function openWriter(path: string): Disposable & { readonly fd: number } {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

/** Targets of the descriptors that a process has open. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Children that nobody has collected. */
export function zombies(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
  return children.filter((child) => /\) Z /.test(readFileSync(`/proc/${child}/stat`, 'latin1'))).length;
}

function binaryName(name = ''): Uint8Array {
  const text = Buffer.from(name);
  return name === '' ? new Uint8Array() : Buffer.concat([Buffer.from([(6 << 3) | 2, text.length]), text]);
}

function seen(topic: string, value: Uint8Array): SeenEvent {
  if (topic === '/tasks/exit') {
    const { id, exitStatus } = fromBinary(TaskExitSchema, value);
    return { topic, id, status: exitStatus };
  }
  if (topic === '/tasks/exec-started') return { topic, id: fromBinary(TaskExecStartedSchema, value).execId, status: 0 };
  // The container is field 1 of all the others.
  return { topic, id: fromBinary(TaskDeleteSchema, value.subarray(0, 2 + (value[1] ?? 0))).containerId, status: 0 };
}

function processOf(args: readonly string[], terminal: boolean): object {
  return { terminal, user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin'], cwd: '/' };
}

function configOf({
  args = ['sleep', '1000'],
  terminal = false,
  annotations = {},
  hostPids = false,
}: ContainerOptions): object {
  const kinds = hostPids ? namespaces : [...namespaces, 'pid'];
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
  ];
  return {
    ociVersion: '1.0.2',
    process: processOf(args, terminal),
    root: { path: 'rootfs', readonly: true },
    mounts: hostPids
      ? [{ destination: '/proc', type: 'bind', source: '/proc', options: ['rbind'] }, ...mounts.slice(1)]
      : mounts,
    annotations,
    linux: { namespaces: kinds.map((type) => ({ type })) },
  };
}

function killTree(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself, as it should.
  }
}

function removeSocket(bundle: string): void {
  if (existsSync(join(bundle, 'address')))
    rmSync(readFileSync(join(bundle, 'address'), 'latin1').slice('unix://'.length), { force: true });
}
