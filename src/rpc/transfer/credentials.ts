import { AuthRequestSchema, AuthResponseSchema } from '#api/types/transfer/registry_pb';
import { invalidArgument } from '#base/errors';
import type { Credentials, CredentialsOf } from '#lib/registry/credentials';
import { pack, unpack } from '../any.ts';
import type { MessageStream } from '../streaming/message-stream.ts';
import { credentialsFromWire, credentialsToWire } from './convert.ts';

/** Asks the client at the other end of the stream, one question at a time. A client that has ended the stream has no credentials. */
export function credentialsOver(stream: MessageStream, reference: string): CredentialsOf {
  const answers = stream[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (host: string, challenge: string): Promise<Credentials | undefined> => {
    await stream.send(pack(AuthRequestSchema, { host, reference, wwwauthenticate: [challenge] }));
    const answer = await answers.next();
    if (answer.done) return undefined;
    const response = unpack(AuthResponseSchema, answer.value);
    if (response === undefined) throw invalidArgument(`${answer.value.typeUrl} where credentials were expected`);
    return credentialsFromWire(response);
  };
  return (host, challenge) => {
    const next = last.then(() => ask(host, challenge));
    last = next.catch(() => undefined);
    return next;
  };
}

/** The client's part: answers the questions until the stream ends. @throws what `credentials` throws */
export async function answerQuestions(stream: MessageStream, credentials: CredentialsOf): Promise<void> {
  for await (const message of stream) {
    const question = unpack(AuthRequestSchema, message);
    if (question === undefined)
      throw invalidArgument(`${message.typeUrl} where a request for credentials was expected`);
    const found = await credentials(question.host, question.wwwauthenticate.join(', '));
    await stream.send(pack(AuthResponseSchema, credentialsToWire(found)));
  }
}
