import { setTimeout as wait } from 'node:timers/promises';
import { fault, isFault, notImplemented } from '#base/errors';
import { formatTimestamp, type Timestamp } from '#base/timestamp';
import { openAttachment } from '#client/attach';
import type { Container } from '#core/containers/containers';
import { parseLogUri } from '#lib/log-uri';
import type { Engine } from '../engine.ts';
import type { LogEntry } from '../logs/log-entry.ts';
import { readLogBatches } from '../logs/read-logs.ts';
import { requireSettings } from './change-settings.ts';
import { taskOf } from './task-state.ts';

export interface LogsOptions {
  /** Stays until the container ends, or is removed. */
  readonly follow?: boolean;
  /** The last so many lines; all when absent. */
  readonly tail?: number | undefined;
  readonly since?: Timestamp | undefined;
  readonly until?: Timestamp | undefined;
  /** Told of what in the log is no entry. */
  readonly note?: (message: string) => void;
}

/** What a container has said, the oldest first, in batches. @throws not_implemented for a log that cannot be read, in docker's words */
export async function* containerLogs(
  engine: Engine,
  container: Container,
  options: LogsOptions = {},
): AsyncGenerator<readonly LogEntry[]> {
  const { scope } = engine;
  const { streams } = requireSettings(container);
  if (streams.logPath === '') throw notImplemented('configured logging driver does not support reading');
  const { follow = false, tail, since, until, note } = options;
  const ended = new AbortController();
  const left = new AbortController();
  if (follow) void untilComplete(engine, container, left.signal).then(() => ended.abort());
  try {
    yield* readLogBatches({
      ...{ path: streams.logPath, follow, tail, signal: scope.signal, ended: ended.signal },
      ...(since !== undefined && { since: formatTimestamp(since) }),
      ...(until !== undefined && { until: formatTimestamp(until) }),
      ...(note !== undefined && { note }),
    });
  } catch (thrown) {
    // One that never ran has said nothing.
    if (!isFault(thrown, 'not_found')) throw thrown;
  } finally {
    left.abort();
  }
}

/** Settles when the container does not run and its log is complete. Never throws: who asks hears of a daemon that is gone by other means. */
async function untilComplete(engine: Engine, container: Container, left: AbortSignal): Promise<void> {
  const { client } = engine;
  const scope = { ...engine.scope, signal: AbortSignal.any([engine.scope.signal, left]) };
  const mine = { ...engine, scope };
  while (!scope.signal.aborted) {
    try {
      const task = await taskOf(mine, container.id);
      if (task !== undefined) await client.tasks.wait(scope, container.id, '');
      await untilDrained(mine, container);
      return;
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return; // removed
      // The daemon may be on its way up again.
      await wait(200, undefined, { signal: scope.signal }).catch(() => {});
    }
  }
}

const drainMs = 10_000;

/** The shim listens for as long as there is output: it lets go of who is attached once everything is in the log. */
async function untilDrained({ scope }: Engine, container: Container): Promise<void> {
  const { attach } = parseLogUri(requireSettings(container).streams.stdout);
  if (attach === '') return;
  const signal = AbortSignal.any([scope.signal, AbortSignal.timeout(drainMs)]);
  try {
    await using attachment = await openAttachment(attach, { signal, input: false });
    for await (const _ of attachment.output) {
      // what it says is in the log
    }
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || isFault(thrown, 'unavailable') || isFault(thrown, 'deadline_exceeded')) return;
    throw thrown;
  }
}

/** A number of lines as docker takes it: `all`, a number, and less than nothing means all. @throws invalid_argument */
export function parseTail(text: string): number | undefined {
  if (text === 'all') return undefined;
  if (!/^-?\d+$/.test(text)) throw fault('invalid_argument', `invalid value for "tail": ${JSON.stringify(text)}`);
  return Number(text) < 0 ? undefined : Number(text);
}
