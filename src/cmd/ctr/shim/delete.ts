import { DeleteRequestSchema, DeleteResponseSchema } from '#api/runtime/task/v3/task_pb';
import { localCommand } from '../globals.ts';
import { printLine } from '../output.ts';
import { openShim } from './connection.ts';

export default localCommand({
  name: 'delete',
  summary: 'delete a container with a task',
  args: '[TASK]',
  flags: {},
  run: async (invocation) => {
    await using shim = await openShim(invocation);
    const request = { id: invocation.args[0] ?? shim.id };
    const { exitStatus } = await shim.call('Delete', [DeleteRequestSchema, request], DeleteResponseSchema);
    await printLine(invocation.io, `container deleted and returned exit status ${exitStatus}`);
    return 0;
  },
});
