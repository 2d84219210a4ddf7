import { EmptySchema } from '@bufbuild/protobuf/wkt';
import { ShutdownRequestSchema } from '#api/runtime/task/v3/task_pb';
import { isFault } from '#base/errors';
import { number } from '../../cli/flags.ts';
import { localCommand } from '../globals.ts';
import { openShim } from './connection.ts';

export default localCommand({
  name: 'shutdown',
  summary: 'shutdown shim if there is no active container',
  flags: { 'api-version': number('shim API version {2,3}', { default: 3 }) },
  run: async (invocation) => {
    const { flags, given } = invocation;
    await using shim = await openShim(invocation, given.has('api-version') ? flags['api-version'] : undefined);
    await shim.call('Shutdown', [ShutdownRequestSchema, { id: shim.id }], EmptySchema).catch((thrown: unknown) => {
      if (!isFault(thrown, 'unavailable')) throw thrown; // it was gone before it could answer
    });
    return 0;
  },
});
