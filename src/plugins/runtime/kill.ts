import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { KillRequestSchema } from '#api/runtime/task/v2/task_pb';
import { abortable } from '#base/cancellation';
import { classOf } from '#base/errors';
import type { KillOptions } from '#core/runtime/runtime';
import type { Scope } from '#core/scope';
import type { Environment } from './environment.ts';
import { callFor } from './shim.ts';
import { endProcessesIn } from './shim-process.ts';
import type { Task } from './task-table.ts';

const sigkill = 9;

/**
 * Sends a signal. Where SIGKILL for the container meets a shim that does not answer any more, the shim itself is killed: its end starts
 * the clean-up, which ends the container. So a kill always leads to an end.
 */
export async function kill(env: Environment, scope: Scope, task: Task, options: KillOptions): Promise<void> {
  const request = { id: task.id, execId: options.execId, signal: options.signal, all: options.all };
  try {
    await task.shim.call('Kill', [KillRequestSchema, request], EmptySchema, callFor(scope, env.limits.kill));
  } catch (thrown) {
    const final = options.signal === sigkill && options.execId === '' && classOf(thrown) === 'deadline_exceeded';
    if (!final || (await task.shim.responds(env.limits.state)) || !(await endShim(task))) throw thrown;
    env.log.warn('shim does not answer: killed', { id: task.id, namespace: task.namespace });
    await abortable(task.shim.closed, scope.signal);
  }
}

/** By force. A daemon that died right after the start has not noted which process the shim is; then it is the one that works in its bundle. */
async function endShim({ shim }: Task): Promise<boolean> {
  return shim.kill() || (shim.sandboxId === undefined && (await endProcessesIn(shim.bundle)));
}
