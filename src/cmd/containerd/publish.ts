import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { invalidArgument } from '#base/errors';
import { text } from '#cmd/cli/flags';
import { remoteEvents } from '#rpc/events/client';
import { openTransport } from '#rpc/transport';
import { anyFromWire } from '#rpc/values';
import { defineCommand } from './globals.ts';

const defaultAddress = '/run/containerd/containerd.sock';
/** An event is a few hundred bytes; whoever pipes more has piped something else. */
const maxEventBytes = 4 << 20;

export default defineCommand({
  name: 'publish',
  summary: 'binary to publish events to containerd',
  flags: {
    namespace: text('namespace to publish to'),
    topic: text('topic of the event'),
  },
  async run({ io, flags, globals }) {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of io.stdin) {
      chunks.push(Buffer.from(chunk as Uint8Array));
      length += chunks.at(-1)?.length ?? 0;
      if (length > maxEventBytes) throw invalidArgument(`the event on stdin is longer than ${maxEventBytes} bytes`);
    }
    using transport = openTransport(globals.address === '' ? defaultAddress : globals.address);
    await remoteEvents(transport).publish(flags.namespace, flags.topic, anyFromWire(decode(Buffer.concat(chunks))));
    return 0;
  },
});

function decode(bytes: Uint8Array) {
  try {
    return fromBinary(AnySchema, bytes);
  } catch (thrown) {
    throw invalidArgument('stdin: wanted an event as google.protobuf.Any', thrown);
  }
}
