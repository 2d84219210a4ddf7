import { invalidArgument } from '#base/errors';
import { parseDigest } from '#lib/digest';
import { command } from '../globals.ts';

const chunk = 1 << 20;

export default command({
  name: 'get',
  summary: 'get the data for an object',
  args: '[<digest>, ...]',
  description: 'display the image object',
  completes: ['content'],
  flags: {},
  run: async ({ client, scope }, { io, args: [text] }) => {
    if (text === undefined) throw invalidArgument('digest must be specified');
    await using blob = await client.content.open(scope, parseDigest(text));
    for (let offset = 0; offset < blob.size; ) {
      const bytes = await blob.read(offset, chunk);
      await io.stdout.write(bytes);
      offset += bytes.length;
    }
    return 0;
  },
});
