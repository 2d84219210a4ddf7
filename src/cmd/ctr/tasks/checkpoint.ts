import { create, toBinary } from '@bufbuild/protobuf';
import { CheckpointOptionsSchema } from '#api/runtime/runc/v1/options_pb';
import { invalidArgument } from '#base/errors';
import { flag, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

export default command({
  name: 'checkpoint',
  summary: 'checkpoint a container',
  args: '[flags] CONTAINER',
  completes: ['tasks'],
  flags: {
    exit: flag('stop the container after the checkpoint'),
    'image-path': text('path to criu image files'),
    'work-path': text('path to criu work files and logs'),
  },
  run: async ({ client, scope }, { io, args: [id], flags }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    const options = create(CheckpointOptionsSchema, {
      exit: flags.exit,
      imagePath: flags['image-path'],
      workPath: flags['work-path'],
    });
    const any = { typeUrl: CheckpointOptionsSchema.typeName, value: toBinary(CheckpointOptionsSchema, options) };
    for (const { digest } of await client.tasks.checkpoint(scope, id, any)) await printLine(io, digest);
    return 0;
  },
});
