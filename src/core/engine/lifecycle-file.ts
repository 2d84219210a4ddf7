import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault } from '#base/errors';

/** What became of a container's process at its last start. Times are RFC 3339, empty for never. */
export interface Lifecycle {
  /** Of the process that was started last; 0 for none. Ends of earlier ones may be heard of later than that. */
  readonly pid: number;
  readonly startedAt: string;
  /** Empty while it runs. */
  readonly finishedAt: string;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why it could not be started; empty when it could. */
  readonly createError: string;
}

export const neverStarted: Lifecycle = {
  pid: 0,
  startedAt: '',
  finishedAt: '',
  exitCode: 0,
  oomKilled: false,
  createError: '',
};

const pathIn = (stateDir: string): string => join(stateDir, 'lifecycle.json');

/** From a container's state directory; `neverStarted` when nothing is known. A file that is none counts as unknown, too. */
export async function readLifecycle(stateDir: string): Promise<Lifecycle> {
  const text = await readFile(pathIn(stateDir), 'utf8').catch((thrown: unknown) => {
    if (isFault(thrown, 'not_found')) return '';
    throw thrown;
  });
  return text === '' ? neverStarted : lifecycleOf(text);
}

function lifecycleOf(text: string): Lifecycle {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(text);
  } catch {
    return neverStarted; // a disk that was full, or another's hand: nothing rests on it that cannot be asked elsewhere
  }
  const word = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    pid: typeof found.pid === 'number' ? found.pid : 0,
    startedAt: word(found.started_at),
    finishedAt: word(found.finished_at),
    exitCode: typeof found.exit_code === 'number' ? found.exit_code : 0,
    oomKilled: found.oom_killed === true,
    createError: word(found.create_error),
  };
}

/** Whole or not at all. A state directory that is gone is left so: the container has been removed. */
export async function writeLifecycle(stateDir: string, lifecycle: Lifecycle): Promise<void> {
  const { pid, startedAt, finishedAt, exitCode, oomKilled, createError } = lifecycle;
  await replaceFile(pathIn(stateDir), {
    pid,
    started_at: startedAt,
    finished_at: finishedAt,
    exit_code: exitCode,
    oom_killed: oomKilled,
    create_error: createError,
  });
}

/** Replaces a file of JSON in a directory that may have gone: then nothing is written. */
export async function replaceFile(path: string, content: unknown): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}`;
  try {
    await writeFile(temporary, JSON.stringify(content), { mode: 0o644 });
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    if (!isFault(thrown, 'not_found')) throw thrown;
  }
}
