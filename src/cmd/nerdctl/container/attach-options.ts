import type { AttachOptions } from '#ops/container/attach';
import type { Io } from '../../cli/io.ts';
import type { UserSide } from './terminal.ts';

/** Which of the user's streams are a container's. */
export type Attached = Readonly<Record<'stdin' | 'stdout' | 'stderr', boolean>>;

/** What an operation that attaches is told of the user's side. */
export const attachOptions = (io: Io, side: UserSide, { stdin, stdout, stderr }: Attached): AttachOptions => ({
  detachKeys: side.detachKeys,
  streams: {
    ...(stdin && { stdin: io.stdin as AsyncIterable<Uint8Array> }),
    ...(stdout && { stdout: (bytes: Uint8Array) => io.stdout.write(bytes) }),
    ...(stderr && { stderr: (bytes: Uint8Array) => io.stderr.write(bytes) }),
  },
  onCreated: () => side.fit(''),
  onStarted: () => side.follow(''),
});
