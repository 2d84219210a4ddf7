import { closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  CloseIORequestSchema,
  ExecProcessRequestSchema,
  ResizePtyRequestSchema,
  StartRequestSchema,
  StartResponseSchema,
} from '#api/runtime/task/v3/task_pb';
import { invalidArgument } from '#base/errors';
import { existingIo } from '#client/task-io';
import { encodeProcess } from '#lib/oci/spec/encode-spec';
import { mergeEnv } from '#lib/oci/spec/process';
import type { Process } from '#lib/oci/spec/spec';
import { processTypeUrl } from '#lib/oci/spec/spec';
import { ensureFifo, openFifo } from '#sys/fifo';
import { flag, list, text } from '../../cli/flags.ts';
import { localCommand } from '../globals.ts';
import { printLine } from '../output.ts';
import { consoleFor, followSize } from '../tasks/io.ts';
import { openShim } from './connection.ts';

export default localCommand({
  name: 'exec',
  summary: "exec a new process in the task's container",
  args: '[flags] EXEC-ID',
  description:
    'Start a process that a file describes (the process of an OCI spec, as JSON) beside the others of the task.',
  flags: {
    stdin: text('specify the path to the stdin fifo'),
    stdout: text('specify the path to the stdout fifo'),
    stderr: text('specify the path to the stderr fifo'),
    tty: flag('enable tty support', { alias: 't' }),
    attach: flag('stay attached to the container and open the fifos', { alias: 'a' }),
    env: list('add environment vars', { alias: 'e' }),
    cwd: text('current working directory'),
    spec: text('runtime spec'),
  },
  run: async (invocation) => {
    const { io, flags, args } = invocation;
    const [execId = ''] = args;
    if (execId === '') throw invalidArgument('exec id must be provided');
    if (flags.spec === '') throw invalidArgument('spec must be provided: a file with the process as JSON');
    const terminal = flags.tty;
    const process = await processOf(resolve(io.cwd, flags.spec), flags);
    // The shim has a working directory of its own.
    const at = (path: string) => (path === '' ? '' : resolve(io.cwd, path));
    const stdio = {
      stdin: at(flags.stdin),
      stdout: at(flags.stdout),
      stderr: terminal ? '' : at(flags.stderr),
      terminal,
    };
    for (const path of [stdio.stdin, stdio.stdout, stdio.stderr]) if (path !== '') ensureFifo(path, 0o700);
    await using shim = await openShim(invocation);
    using _console = consoleFor(io, terminal && flags.attach);
    // Where nobody is attached, opening the streams must not wait for somebody who is.
    using _held = flags.attach ? undefined : holdAll([stdio.stdin, stdio.stdout, stdio.stderr]);
    await using taskIo = existingIo(flags.attach ? stdio : { ...stdio, stdin: '', stdout: '', stderr: '' }, {
      stdin: io.stdin as AsyncIterable<Uint8Array>,
      stdout: (bytes) => io.stdout.write(bytes),
      stderr: (bytes) => io.stderr.write(bytes),
    });
    const { id } = shim;
    const spec = { typeUrl: processTypeUrl, value: encodeProcess({ ...process, terminal }) as Uint8Array<ArrayBuffer> };
    await shim.call('Exec', [ExecProcessRequestSchema, { id, execId, ...stdio, spec }], EmptySchema);
    const { pid } = await shim.call('Start', [StartRequestSchema, { id, execId }], StartResponseSchema);
    await printLine(io, `exec running with pid ${pid}`);
    if (!flags.attach) return 0;
    taskIo.startInput(async () => {
      await shim.call('CloseIO', [CloseIORequestSchema, { id, execId, stdin: true }], EmptySchema).catch(() => {}); // it may have ended
    });
    using _size = terminal
      ? followSize(io, ({ width, height }) => {
          shim.call('ResizePty', [ResizePtyRequestSchema, { id, execId, width, height }], EmptySchema).catch(() => {}); // it may have ended
        })
      : { [Symbol.dispose]: () => {} };
    await taskIo.drained;
    return 0;
  },
});

function holdAll(paths: readonly string[]): Disposable {
  const fds = paths.filter((path) => path !== '').map((path) => openFifo(path, 'hold'));
  return {
    [Symbol.dispose]: () => {
      for (const fd of fds) closeSync(fd);
    },
  };
}

async function processOf(
  path: string,
  { env, cwd }: { readonly env: readonly string[]; readonly cwd: string },
): Promise<Process> {
  const read: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (typeof read !== 'object' || read === null || !('args' in read) || !Array.isArray(read.args))
    throw invalidArgument(`${path}: not the process of a spec`);
  const process = { cwd: '/', user: { uid: 0, gid: 0 }, ...read } as Process;
  return {
    ...process,
    ...(cwd === '' ? {} : { cwd }),
    ...(env.length === 0 ? {} : { env: mergeEnv(process.env ?? [], env) }),
  };
}
