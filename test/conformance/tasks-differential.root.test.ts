import { afterAll, beforeAll, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Containers } from '#api/services/containers/v1/containers_pb';
import { Tasks } from '#api/services/tasks/v1/tasks_pb';
import { openTransport } from '#rpc/transport';
import { forgetNamespace } from '#test/support/nothing-left';
import { DebianContainerd } from '../bench/debian-containerd.ts';
import { busyboxImage } from '../support/busybox-image.ts';
import { run, startDaemon, type TestDaemon } from '../support/daemon.ts';
import { writeOciArchive } from '../support/oci-archive.ts';
import { type Answer, answerTo, type Step, type StepOptions, step } from './differential/call.ts';
import { compare } from './differential/compare.ts';

// The life of a container and of a process in it, call by call, at both daemons: each with its own shim.

const namespace = `tasks-${process.pid}`; // of this run: runtimes keep containers by namespace for the whole machine
const image = 'example.com/a/busybox:v1';
const containerId = 'c';
const words = { args: ['/bin/sleep', '50'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] };
const spec = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  value: Buffer.from(JSON.stringify(words)),
};
const limits = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources',
  value: Buffer.from('{"pids":{"limit":50}}'),
};
const nonsense = { typeUrl: 'x', value: Buffer.from('x') };
const { checkpoint, closeIO, create, delete: remove, deleteProcess, exec, get, kill, list, listPids } = Tasks.method;
const { pause, resizePty, resume, start, update, wait } = Tasks.method;

const at = (ours?: StepOptions['ours']): StepOptions => ({ namespace, ...(ours !== undefined && { ours }) });
const invalid = at({ code: 3, because: 'the class of the error is the code' });

const steps: readonly Step[] = [
  step('of it', get, { containerId }, at()),
  step('of an exec that is not there', get, { containerId, execId: 'gone' }, at()),
  step('there already', create, { containerId }, at()),
  step('started already', start, { containerId }, at()),
  step('an exec that is not there', start, { containerId, execId: 'gone' }, at()),
  step('running', remove, { containerId }, at()),
  step('an exec that is not there', deleteProcess, { containerId, execId: 'gone' }, at()),
  step('no exec', deleteProcess, { containerId }, invalid),
  step('with nothing', kill, { containerId, signal: 0 }, at()),
  step('with no signal', kill, { containerId, signal: 999 }, invalid),
  step('an exec that is not there', kill, { containerId, execId: 'gone', signal: 9 }, at()),
  step('a malformed id', exec, { containerId, execId: '../e', spec }, at()),
  step('good', exec, { containerId, execId: 'e', spec }, at()),
  step('again', exec, { containerId, execId: 'e', spec }, at()),
  step('of the exec', get, { containerId, execId: 'e' }, at()),
  step('the exec', start, { containerId, execId: 'e' }, at()),
  step('the exec again', start, { containerId, execId: 'e' }, at()),
  step('of the running exec', get, { containerId, execId: 'e' }, at()),
  step('without a terminal', resizePty, { containerId, width: 10, height: 10 }, at()),
  step('of it', closeIO, { containerId, stdin: true }, at()),
  step('of an exec that is not there', closeIO, { containerId, execId: 'gone', stdin: true }, at()),
  step('of it', pause, { containerId }, at()),
  step('again', pause, { containerId }, at()),
  step('paused', get, { containerId }, at()),
  step('paused', remove, { containerId }, at()),
  step('of it', resume, { containerId }, at()),
  step('again', resume, { containerId }, at()),
  step('of it', listPids, { containerId }, at()),
  step('with nonsense', update, { containerId, resources: nonsense }, invalid),
  step('good', update, { containerId, resources: limits }, at()),
  step('with nonsense', checkpoint, { containerId, options: nonsense }, invalid),
  step('the exec', kill, { containerId, execId: 'e', signal: 9 }, at()),
  step('for the exec', wait, { containerId, execId: 'e' }, at()),
  step('the ended exec', kill, { containerId, execId: 'e', signal: 9 }, at()),
  step('the ended exec', start, { containerId, execId: 'e' }, at()),
  step('the ended exec', deleteProcess, { containerId, execId: 'e' }, at()),
  step('the ended exec again', deleteProcess, { containerId, execId: 'e' }, at()),
  step('all', kill, { containerId, signal: 9, all: true }, at()),
  step('for it', wait, { containerId }, at()),
  step('for an exec that is not there', wait, { containerId, execId: 'x' }, at()),
  step('stopped', get, { containerId }, at()),
  step('the stopped one', kill, { containerId, signal: 9 }, at()),
  step('the stopped one', start, { containerId }, at()),
  step('in the stopped one', exec, { containerId, execId: 'z', spec }, at()),
  step('the stopped one', pause, { containerId }, at()),
  step('all', list, {}, at()),
  step('of the stopped one', listPids, { containerId }, at()),
  step('it', remove, { containerId }, at({ code: 0, because: 'the id is told, as for an exec' })),
  step('it again', remove, { containerId }, at()),
  step('none', list, {}, at()),
  step('the record', Containers.method.delete, { id: containerId }, at()),
];

let theirs: DebianContainerd;
let ours: TestDaemon;
const directory = mkdtempSync('/dev/shm/berth-tasks-');

beforeAll(async () => {
  writeOciArchive(join(directory, 'image.tar'), image, { 'linux/amd64': busyboxImage() });
  theirs = await DebianContainerd.start('/dev/shm');
  ours = await startDaemon({ parent: '/dev/shm' });
}, 30_000);

afterAll(async () => {
  await theirs[Symbol.asyncDispose]();
  await ours[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
  rmSync(`/run/containerd/runc/${namespace}`, { recursive: true, force: true }); // where runc had its containers
  forgetNamespace(namespace);
});

/** One daemon after the other: both would have the same container. */
async function answersOf(address: string, own: string): Promise<readonly Answer[]> {
  const ctr = async (...args: readonly string[]) => {
    const { code, stderr } = await run('/usr/bin/ctr', ['-a', address, '-n', namespace, ...args]);
    if (code !== 0) throw new Error(`ctr ${args.join(' ')}: ${stderr}`);
  };
  await ctr('images', 'import', '--snapshotter', 'native', join(directory, 'image.tar'));
  await ctr('run', '-d', '--snapshotter', 'native', image, containerId, '/bin/sleep', '60');
  using transport = openTransport(address);
  const answers: Answer[] = [];
  for (const each of steps) answers.push(await answerTo(transport, each, own));
  return answers;
}

test('the life of a task is the same, call by call', async () => {
  const theirAnswers = await answersOf(theirs.address, theirs.directory);
  const ourAnswers = await answersOf(ours.address, ours.directory);
  for (const [index, each] of steps.entries())
    compare(each, theirAnswers[index] as Answer, ourAnswers[index] as Answer);
}, 60_000);
