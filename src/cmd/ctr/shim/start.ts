import { StartRequestSchema, StartResponseSchema } from '#api/runtime/task/v3/task_pb';
import { localCommand } from '../globals.ts';
import { openShim } from './connection.ts';

export default localCommand({
  name: 'start',
  summary: 'start a container with a task',
  args: '[TASK]',
  flags: {},
  run: async (invocation) => {
    await using shim = await openShim(invocation);
    await shim.call('Start', [StartRequestSchema, { id: invocation.args[0] ?? shim.id }], StartResponseSchema);
    return 0;
  },
});
