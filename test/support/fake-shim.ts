import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { TaskExitSchema } from '#api/events/task_pb';
import { BootstrapResultSchema } from '#api/runtime/bootstrap/v1/bootstrap_pb';
import * as wire from '#api/runtime/task/v2/task_pb';
import { ForwardRequestSchema } from '#api/services/ttrpc/events/v1/events_pb';
import { Status } from '#api/types/task/task_pb';
import { failedPrecondition, notFound } from '#base/errors';
import { connectTtrpc } from '#lib/ttrpc/client';
import { type Method, serveTtrpc } from '#lib/ttrpc/server';
import { type FakeSandbox, sandboxAnswers } from './fake-shim-sandbox.ts';

/**
 * A shim that does what a script says: `bun fake-shim.ts SCRIPT.json` and the words of a shim. It has no container; it only says so. The script is
 * read again for every step, so that a test can change its mind meanwhile.
 */
export interface ShimScript {
  /** What `start` prints, or does instead. */
  readonly start?:
    | 'plain'
    | 'json'
    | 'json3'
    | 'proto'
    | 'garbage'
    | 'much'
    | 'nothing'
    | 'hang'
    | 'die'
    | 'wrong address'
    | 'noise';
  /** Serves the sandbox service, too. */
  readonly sandbox?: FakeSandbox;
  /** What single methods of either service do instead of answering. */
  readonly calls?: Readonly<
    Record<string, 'hang' | 'die' | 'fail' | 'garbage' | 'not found' | 'freeze' | 'told and dead'>
  >;
  readonly delete?: 'garbage' | 'hang' | 'die';
  readonly version?: string | 'hang';
}

const file = process.argv[2] ?? '';
const words = process.argv.slice(3);
const script = (): ShimScript => JSON.parse(readFileSync(file, 'utf8')) as ShimScript;
const option = (name: string) => words[words.indexOf(name) + 1] ?? '';
const id = option('-id');
const namespace = option('-namespace');
const forever = () => new Promise<never>(() => setInterval(() => {}, 1 << 30));
const note = (line: string) => appendFileSync(`${file}.log`, `${line}\n`);

async function main(): Promise<void> {
  const verb = words.at(-1);
  if (verb === '-v') return tellVersion();
  note(`${verb} ${id}`);
  if (verb === 'start') return start();
  if (verb === 'delete') return cleanUp();
  return serve();
}

async function tellVersion(): Promise<void> {
  const { version } = script();
  if (version === 'hang') await forever();
  process.stdout.write(`fake-shim:\n  Version:  ${version ?? '1.6.20'}\n`);
}

async function start(): Promise<void> {
  const { start: how = 'plain' } = script();
  if (how === 'hang') await forever();
  if (how === 'die') {
    process.stderr.write('no shim today\n');
    process.exit(1);
  }
  writeFileSync(`${file}.input`, readFileSync(0));
  const socket = join(process.cwd(), 's.sock');
  spawn(process.execPath, [process.argv[1] ?? '', file, ...words.slice(0, -1), 'serve'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, FAKE_SOCKET: socket },
  }).unref();
  while (!existsSync(socket)) await wait(5);
  const address = `unix://${socket}`;
  const json = (version: number) => JSON.stringify({ version, address, protocol: 'ttrpc' });
  const printed: Record<string, string | Uint8Array> = {
    plain: address,
    noise: address,
    json: json(2),
    json3: json(3),
    proto: toBinary(BootstrapResultSchema, create(BootstrapResultSchema, { version: 2, address, protocol: 'ttrpc' })),
    garbage: new Uint8Array([0x08, 0xff, 0xff, 0, 0x7b, 0x80]),
    much: 'x'.repeat(1 << 20),
    nothing: '',
    'wrong address': 'unix:///nobody/listens/here',
  };
  await new Promise((done) => process.stdout.write(printed[how] ?? '', done));
  process.exit(0);
}

async function cleanUp(): Promise<void> {
  const { delete: how } = script();
  if (how === 'hang') await forever();
  if (how === 'die') process.exit(1);
  const answer = create(wire.DeleteResponseSchema, { pid: 77, exitStatus: 137 });
  process.stdout.write(how === 'garbage' ? '\xff\xff\xff' : toBinary(wire.DeleteResponseSchema, answer));
}

async function serve(): Promise<void> {
  const socket = process.env.FAKE_SOCKET ?? '';
  if (script().start === 'noise') {
    createServer((peer) => peer.once('data', () => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(9)))).listen(
      socket,
    );
    return forever();
  }
  const methods = (of: Readonly<Record<string, Method>>) =>
    Object.fromEntries(Object.entries(of).map(([name, method]) => [name, scripted(name, method)]));
  const { sandbox } = script();
  await serveTtrpc(socket, {
    'containerd.task.v2.Task': methods(answers),
    ...(sandbox !== undefined && { 'containerd.runtime.sandbox.v1.Sandbox': methods(sandboxAnswers(sandbox)) }),
  });
  await forever();
}

let created = false;
let stopped = false;

async function tellExit(): Promise<void> {
  const exit = {
    containerId: id,
    id,
    pid: process.pid,
    exitStatus: 9,
    exitedAt: { seconds: 1_700_000_000n, nanos: 0 },
  };
  const value = toBinary(TaskExitSchema, create(TaskExitSchema, exit));
  const envelope = {
    timestamp: { seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: 0 },
    namespace,
    topic: '/tasks/exit',
    event: { typeUrl: TaskExitSchema.typeName, value },
  };
  await using daemon = await connectTtrpc(process.env.TTRPC_ADDRESS ?? '');
  const payload = toBinary(ForwardRequestSchema, create(ForwardRequestSchema, { envelope }));
  await daemon.call('containerd.services.events.ttrpc.v1.Events', 'Forward', payload);
}

const message = <D extends DescMessage>(schema: D, fields: MessageInitShape<D>): Uint8Array =>
  toBinary(schema, create(schema, fields));
const empty = new Uint8Array();

const answers: Readonly<Record<string, Method>> = {
  Connect: () => message(wire.ConnectResponseSchema, { shimPid: process.pid, taskPid: created ? process.pid : 0 }),
  Create: () => {
    created = true;
    return message(wire.CreateTaskResponseSchema, { pid: process.pid });
  },
  Start: () => message(wire.StartResponseSchema, { pid: process.pid }),
  Exec: () => empty,
  Pause: () => empty,
  Pids: () => message(wire.PidsResponseSchema, { processes: [{ pid: process.pid }] }),
  State: () =>
    message(wire.StateResponseSchema, { id, pid: process.pid, status: stopped ? Status.STOPPED : Status.RUNNING }),
  Kill: async (payload) => {
    const { signal } = fromBinary(wire.KillRequestSchema, payload);
    if (signal !== 9) return empty;
    stopped = true;
    await tellExit();
    return empty;
  },
  Delete: () => {
    if (!stopped) throw failedPrecondition('still running');
    return message(wire.DeleteResponseSchema, { pid: process.pid, exitStatus: 9 });
  },
  Shutdown: () => process.exit(0),
};

const scripted =
  (name: string, method: Method): Method =>
  async (payload, context) => {
    switch (script().calls?.[name]) {
      case 'hang':
        return forever();
      case 'die':
        return process.exit(1);
      case 'fail':
        throw failedPrecondition('so the script says');
      case 'not found':
        throw notFound(`task ${id}`);
      case 'garbage':
        return new Uint8Array([0xff, 0xff, 0xff]);
      case 'freeze':
        process.kill(process.pid, 'SIGSTOP');
        return forever();
      case 'told and dead':
        await tellExit();
        return process.exit(1);
      default:
        return method(payload, context);
    }
  };

await main();
