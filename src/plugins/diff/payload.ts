import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { Any } from '#base/any';

/** A payload as a stream processor reads it: the whole Any, encoded. */
export const anyToWire = ({ typeUrl, value }: Any): Uint8Array =>
  toBinary(AnySchema, create(AnySchema, { typeUrl, value: new Uint8Array(value) }));
