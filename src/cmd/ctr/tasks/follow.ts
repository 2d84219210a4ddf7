import { constants } from 'node:os';
import { isFault, messageOf } from '#base/errors';
import type { TaskIo } from '#client/task-io';
import type { ProcessExit } from '#core/runtime/runtime';
import type { Io } from '../../cli/io.ts';
import type { Session } from '../globals.ts';
import { followSize } from './io.ts';

export interface Followed {
  readonly id: string;
  readonly execId: string;
  readonly tty: boolean;
  readonly taskIo: TaskIo;
}

/**
 * Stays with a process to its end: hands on its input, the terminal's size or the user's signals, and returns once it has ended and
 * all its output is copied. `begin` starts it, after the waiting has begun, so that no end is missed.
 */
export async function follow(
  session: Session,
  io: Io,
  followed: Followed,
  begin: () => Promise<void>,
): Promise<ProcessExit> {
  const { client, scope } = session;
  const { id, execId, tty, taskIo } = followed;
  const waiting = client.tasks.wait(scope, id, execId);
  waiting.catch(() => {}); // when `begin` fails, that is what to report
  await begin();
  taskIo.startInput(() => client.tasks.closeIo(scope, id, execId, true).catch(ignoreGone));
  using _user = tty ? forwardSize(session, io, followed) : forwardSignals(session, io, followed);
  // Output that nobody takes any more ends the following, not only what is written when all is over.
  const [exit] = await Promise.all([waiting, taskIo.drained]);
  return exit;
}

function forwardSize({ client, scope }: Session, io: Io, { id, execId }: Followed): Disposable {
  return followSize(io, (size) => {
    client.tasks
      .resizePty(scope, id, execId, size)
      .catch((thrown: unknown) => io.stderr.write(`console resize: ${messageOf(thrown)}\r\n`));
  });
}

function forwardSignals({ client, scope }: Session, io: Io, { id, execId }: Followed): Disposable {
  return io.onSignal((name) => {
    const options = { execId, signal: constants.signals[name], all: false };
    client.tasks.kill(scope, id, options).catch(async (thrown: unknown) => {
      if (!isFault(thrown, 'not_found')) await io.stderr.write(`forward signal ${name}: ${messageOf(thrown)}\n`);
    });
  });
}

/** The process may be gone before its input ends. */
function ignoreGone(thrown: unknown): void {
  if (!isFault(thrown, 'not_found') && !isFault(thrown, 'unknown')) throw thrown;
}
