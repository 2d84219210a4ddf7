/**
 * Pulls an image, runs a command in a new container of it, hands its output on, and removes the container:
 *
 *   bun examples/pull-and-run.ts docker.io/library/busybox:latest echo hello
 *
 * CONTAINERD_ADDRESS and CONTAINERD_NAMESPACE choose daemon and namespace. Ends with the command's exit code. Needs root, for its
 * streams are fifos below /run.
 */
import {
  createContainer,
  createTask,
  defaultAddress,
  deleteContainerIfThere,
  deleteTaskIfThere,
  fifoIo,
  openClient,
  pull,
  scopeOf,
} from 'berth/client';

const [reference, ...args] = process.argv.slice(2);
if (reference === undefined || args.length === 0) throw new Error('usage: pull-and-run REFERENCE COMMAND [ARG...]');
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

await using client = openClient(process.env.CONTAINERD_ADDRESS ?? defaultAddress);
const scope = scopeOf(process.env.CONTAINERD_NAMESPACE ?? 'default', { signal: interrupted.signal });

const image = await pull(client, scope, reference);
console.error(`pulled ${image.name} ${image.target.digest}`);

const container = await createContainer(client, scope, image, { id: `example-${process.pid}`, args });
const { id } = container;
try {
  // The streams stand before the process does, so that nothing it says is lost.
  await using io = await fifoIo(
    id,
    { stdout: (bytes) => write(process.stdout, bytes), stderr: (bytes) => write(process.stderr, bytes) },
    { terminal: false },
  );
  await createTask(client, scope, container, io.stdio);
  const exited = client.tasks.wait(scope, id, '');
  await client.tasks.start(scope, id, '');
  const { exitStatus } = await exited;
  await io.drained;
  process.exitCode = exitStatus;
} finally {
  await deleteTaskIfThere(client, scope, id);
  await deleteContainerIfThere(client, scope, container);
}

function write(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => stream.write(bytes, (error) => (error ? reject(error) : resolve())));
}
