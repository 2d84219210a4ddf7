import { fromBinary } from '@bufbuild/protobuf';
import { ProcessDetailsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { printTable } from '../output.ts';

export default command({
  name: 'ps',
  summary: 'list processes for container',
  args: 'CONTAINER',
  completes: ['tasks'],
  flags: {},
  run: async ({ client, scope }, { io, args: [id] }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    const processes = await client.tasks.pids(scope, id);
    const rows = processes.map(({ pid, info }) => `${pid}\t${info === undefined ? '-' : details(info)}`);
    await printTable(io, ['PID\tINFO', ...rows], { minWidth: 1, tabWidth: 8, padding: 4, padChar: ' ' });
    return 0;
  },
});

function details(info: Any): string {
  if (!info.typeUrl.endsWith(ProcessDetailsSchema.typeName)) return info.typeUrl;
  return `&ProcessDetails{ExecID:${fromBinary(ProcessDetailsSchema, info.value).execId},XXX_unrecognized:[],}`;
}
