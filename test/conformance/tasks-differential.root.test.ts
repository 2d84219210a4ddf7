import { afterAll, beforeAll, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openTransport } from '#rpc/transport';
import { forgetNamespace } from '#test/support/nothing-left';
import { DebianContainerd } from '../bench/debian-containerd.ts';
import { busyboxImage } from '../support/busybox-image.ts';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { writeOciArchive } from '../support/oci-archive.ts';
import { type Answer, answerTo } from './differential/call.ts';
import { compare } from './differential/compare.ts';
import { beginTaskLife, taskLife } from './differential/task-life.ts';

// The life of a container and of a process in it, call by call, at both daemons: each with its own shim.

const namespace = `tasks-${process.pid}`; // of this run: runtimes keep containers by namespace for the whole machine
const image = 'example.com/a/busybox:v1';
const steps = taskLife(namespace);

let theirs: DebianContainerd;
let ours: TestDaemon;
const directory = mkdtempSync('/dev/shm/berth-tasks-');

beforeAll(async () => {
  writeOciArchive(join(directory, 'image.tar'), image, { 'linux/amd64': busyboxImage() });
  theirs = await DebianContainerd.start('/dev/shm');
  ours = await startDaemon({ parent: '/dev/shm' });
}, 120_000);

afterAll(async () => {
  await theirs[Symbol.asyncDispose]();
  await ours[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
  rmSync(`/run/containerd/runc/${namespace}`, { recursive: true, force: true }); // where runc had its containers
  forgetNamespace(namespace);
});

/** One daemon after the other: both would have the same container. */
async function answersOf(address: string, own: string): Promise<readonly Answer[]> {
  await beginTaskLife(address, namespace, join(directory, 'image.tar'), image);
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
}, 120_000);
