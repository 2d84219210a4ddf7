import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { RuntimeInfoSchema, RuntimeRequestSchema } from '#api/types/introspection_pb';
import type { Any } from '#base/any';
import { within } from '#base/cancellation';
import { fault, notImplemented } from '#base/errors';
import { unpack } from '#rpc/any';
import type { Environment } from './environment.ts';

/** What a shim's program tells of itself and of the runtime that these options choose. */
export async function runtimeInfo(
  { binaries, limits }: Pick<Environment, 'binaries' | 'limits'>,
  question: Any,
  signal: AbortSignal,
): Promise<Any> {
  const request = unpack(RuntimeRequestSchema, question);
  if (request === undefined) throw notImplemented(`unknown request type ${question.typeUrl}`);
  const binary = await binaries.find(request.runtimePath);
  const options = request.options === undefined ? new Uint8Array() : toBinary(AnySchema, request.options);
  const value = await binaries.info(binary, options, within(limits.info, signal));
  try {
    fromBinary(RuntimeInfoSchema, value);
  } catch (thrown) {
    throw fault('unknown', `${binary} -info printed something else than a RuntimeInfo`, thrown);
  }
  return { typeUrl: RuntimeInfoSchema.typeName, value };
}
