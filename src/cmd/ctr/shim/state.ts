import { StateRequestSchema, StateResponseSchema } from '#api/runtime/task/v3/task_pb';
import { formatTimestamp } from '#base/timestamp';
import { ctrJson } from '#lib/go-json';
import { someTimestampFromWire } from '#rpc/values';
import { number, text } from '../../cli/flags.ts';
import { localCommand } from '../globals.ts';
import { openShim } from './connection.ts';

export default localCommand({
  name: 'state',
  summary: 'get the state of all main process of the task',
  flags: {
    'task-id': text('task ID', { alias: 't' }),
    'api-version': number('shim API version {2,3}', { default: 3 }),
  },
  run: async (invocation) => {
    const { flags, given, io } = invocation;
    await using shim = await openShim(invocation, given.has('api-version') ? flags['api-version'] : undefined);
    const request = { id: flags['task-id'] || shim.id };
    const state = await shim.call('State', [StateRequestSchema, request], StateResponseSchema);
    const exited = someTimestampFromWire(state.exitedAt);
    const shown = {
      id: state.id,
      bundle: state.bundle,
      pid: state.pid,
      status: state.status,
      stdin: state.stdin,
      stdout: state.stdout,
      stderr: state.stderr,
      terminal: state.terminal,
      exit_status: state.exitStatus,
      exited_at: exited === undefined ? '0001-01-01T00:00:00Z' : formatTimestamp(exited).replace(/\.?0*Z$/, 'Z'),
      exec_id: state.execId,
    };
    const set = Object.entries(shown).filter(([, value]) => value !== '' && value !== 0 && value !== false);
    await io.stdout.write(`${ctrJson(Object.fromEntries(set))}\n`);
    return 0;
  },
});
