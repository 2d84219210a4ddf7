import { isFault } from '#base/errors';
import type { Attachment } from '#client/attach';
import { DetachScanner } from '#lib/detach-keys';

/** Where a process's streams go on the user's side. Absent: nowhere. */
export interface UserStreams {
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly stdout?: (bytes: Uint8Array) => Promise<void>;
  readonly stderr?: (bytes: Uint8Array) => Promise<void>;
}

/** How it came that streams are no longer copied: all output has been handed on, or the user has typed the keys. */
export type StreamsEnd = 'ended' | 'detached';

/** Copies input and output until the process's output ends, or the keys are typed. What goes wrong with the input ends the input only. */
export async function copyStreams(
  attachment: Attachment,
  streams: UserStreams,
  detachKeys: Uint8Array,
): Promise<StreamsEnd> {
  const detached = Promise.withResolvers<StreamsEnd>();
  if (streams.stdin !== undefined)
    feed(attachment, streams.stdin, new DetachScanner(detachKeys), () => detached.resolve('detached')).catch(
      (thrown: unknown) => {
        if (!isFault(thrown, 'unavailable')) detached.reject(thrown); // the process may end before its input does
      },
    );
  const output = (async (): Promise<StreamsEnd> => {
    for await (const { stream, bytes } of attachment.output) await streams[stream]?.(bytes);
    return 'ended';
  })();
  output.catch(() => {}); // told below, unless the user has left
  return await Promise.race([output, detached.promise]);
}

async function feed(
  attachment: Attachment,
  stdin: AsyncIterable<Uint8Array>,
  scanner: DetachScanner,
  detach: () => void,
): Promise<void> {
  for await (const chunk of stdin) {
    const { bytes, detached } = scanner.push(chunk);
    if (bytes.length > 0) await attachment.write(bytes);
    if (detached) return detach();
  }
  const rest = scanner.rest();
  if (rest.length > 0) await attachment.write(rest);
  await attachment.closeInput();
}

/** Input in which the keys are looked for: it ends with them, after `detach` was called. */
export async function* watchedInput(
  stdin: AsyncIterable<Uint8Array>,
  keys: Uint8Array,
  detach: () => void,
): AsyncGenerator<Uint8Array> {
  const scanner = new DetachScanner(keys);
  for await (const chunk of stdin) {
    const { bytes, detached } = scanner.push(chunk);
    if (bytes.length > 0) yield bytes;
    if (!detached) continue;
    detach();
    return;
  }
  const rest = scanner.rest();
  if (rest.length > 0) yield rest;
}
