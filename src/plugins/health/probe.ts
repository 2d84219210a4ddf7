import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isFault, messageOf } from '#base/errors';
import type { Container } from '#core/containers/containers';
import type { HealthPlan } from '#core/engine/health';
import type { HealthResult } from '#core/engine/health-file';
import type { Tasks } from '#core/runtime/tasks';
import { type Scope, scopeOf } from '#core/scope';
import { decodeSpec, encodeProcess } from '#lib/oci/spec/encode-spec';
import { processTypeUrl } from '#lib/oci/spec/spec';
import { makeFifo, openFifo, readFifo } from '#sys/fifo';

export interface ProbeParts {
  readonly tasks: Pick<Tasks, 'exec' | 'start' | 'wait' | 'kill' | 'deleteProcess'>;
  /** For a fifo for as long as the probe runs. */
  readonly directory: string;
}

/** Exec ids of probes begin so: a daemon that was cut off leaves them to the next one. */
export const probePrefix = 'berth-health-';

const kept = 4096;
const notRun = -1;
const sigkill = 9;
const endMs = 10_000;
/** For output that is on its way when the probe has ended: what it left running may hold it open for ever. */
const lateMs = 200;

/** Runs a probe beside a container's process, for so long at most. @throws only what the scope's signal says */
export async function probe(
  parts: ProbeParts,
  scope: Scope,
  container: Container,
  plan: HealthPlan,
): Promise<HealthResult> {
  const execId = `${probePrefix}${randomBytes(8).toString('hex')}`;
  const Start = new Date().toISOString();
  const result = (ExitCode: number, Output: string): HealthResult => ({
    Start,
    End: new Date().toISOString(),
    ExitCode,
    Output,
  });
  const path = join(parts.directory, execId);
  const stop = new AbortController();
  makeFifo(path, 0o700);
  const output = collect(path, stop.signal);
  try {
    const code = await run(parts, scope, container, { execId, path, plan });
    await Promise.race([output.done, wait(lateMs)]);
    const said = output.text();
    if (code !== undefined) return result(code, said);
    return result(notRun, `Health check exceeded timeout (${plan.timeoutMs / 1000}s)${said === '' ? '' : `: ${said}`}`);
  } catch (thrown) {
    if (scope.signal.aborted) throw thrown;
    return result(notRun, messageOf(thrown));
  } finally {
    stop.abort();
    await output.done;
    await rm(path, { force: true });
    await clear(parts, scope.namespace, container.id, execId);
  }
}

/** Its exit code; undefined when it did not end in time. */
async function run(
  { tasks }: ProbeParts,
  scope: Scope,
  container: Container,
  { execId, path, plan }: { readonly execId: string; readonly path: string; readonly plan: HealthPlan },
): Promise<number | undefined> {
  const { id } = container;
  const { process } = decodeSpec(container.spec.value);
  if (process === undefined) throw new Error('the container has no process to take after');
  const value = encodeProcess({ ...process, terminal: false, args: plan.test });
  const stdio = { stdin: '', stdout: path, stderr: path, terminal: false };
  await tasks.exec(scope, id, { execId, ...stdio, spec: { typeUrl: processTypeUrl, value } });
  const ended = tasks.wait(scope, id, execId);
  ended.catch(() => {}); // when the start fails, that is what to tell
  await tasks.start(scope, id, execId);
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), plan.timeoutMs);
  const exit = await Promise.race([ended, late.promise]).finally(() => clearTimeout(timer));
  return exit?.exitStatus;
}

/** Ends and forgets a probe, also when the daemon is about to stop. One that is gone needs nothing. */
export async function clear(
  { tasks }: Pick<ProbeParts, 'tasks'>,
  namespace: string,
  id: string,
  execId: string,
): Promise<void> {
  const scope = scopeOf(namespace, { signal: AbortSignal.timeout(endMs) });
  const forget = () => tasks.deleteProcess(scope, id, execId);
  try {
    await forget().catch(async (thrown: unknown) => {
      if (!isFault(thrown, 'failed_precondition')) throw thrown;
      const ended = tasks.wait(scope, id, execId);
      ended.catch(() => {}); // the kill's failure counts
      await tasks.kill(scope, id, { execId, signal: sigkill, all: false });
      await ended;
      await forget();
    });
  } catch {
    // Gone with its container, or with its shim: nothing is left that could be cleared away.
  }
}

function collect(path: string, signal: AbortSignal): { readonly done: Promise<void>; text(): string } {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let more = false;
  const fd = openFifo(path, 'read');
  const done = (async () => {
    try {
      for await (const bytes of readFifo(fd, { signal })) {
        const part = bytes.subarray(0, kept - length);
        if (part.length < bytes.length) more = true;
        if (part.length > 0) chunks.push(part);
        length += part.length;
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      closeSync(fd);
    }
  })();
  done.catch(() => {}); // told by whoever waits for it
  return { done, text: () => `${Buffer.concat(chunks).toString('utf8')}${more ? '...' : ''}` };
}
