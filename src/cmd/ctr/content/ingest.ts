import { invalidArgument } from '#base/errors';
import { parseDigest } from '#lib/digest';
import { number, text } from '../../cli/flags.ts';
import { command } from '../globals.ts';

export default command({
  name: 'ingest',
  summary: 'accept content into the store',
  args: '[flags] <key>',
  description: 'ingest objects into the local content store',
  flags: {
    'expected-size': number('validate against provided size'),
    'expected-digest': text('verify content against expected digest'),
  },
  run: async ({ client, scope }, { io, args: [ref], flags }) => {
    if (ref === undefined || ref === '') throw invalidArgument('must specify a transaction reference');
    if (flags['expected-size'] < 0) throw invalidArgument('expected size must not be negative');
    const expected = flags['expected-digest'] === '' ? undefined : parseDigest(flags['expected-digest']);
    const total = flags['expected-size'];
    await using writer = await client.content.writer(scope, ref, {
      total,
      ...(expected === undefined ? {} : { expected }),
    });
    if (writer.status().offset > 0) await writer.truncate(0); // what comes is the whole of it
    for await (const bytes of io.stdin) await writer.write(bytes as Uint8Array);
    await writer.commit(total, expected);
    return 0;
  },
});
