import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import {
  AnySchema,
  type FieldMask,
  type FieldMaskSchema,
  TimestampSchema,
  type Any as WireAny,
  type Timestamp as WireTimestamp,
} from '@bufbuild/protobuf/wkt';
import { DescriptorSchema, type Descriptor as WireDescriptor } from '#api/types/descriptor_pb';
import { MountSchema, type Mount as WireMount } from '#api/types/mount_pb';
import { PlatformSchema, type Platform as WirePlatform } from '#api/types/platform_pb';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import type { Descriptor } from '#core/descriptor';
import type { Mount } from '#core/mount';
import { type Digest, parseDigest } from '#lib/digest';
import type { Platform } from '#lib/platform';

// What several services have in common. `fromWire` takes what came from outside: it throws invalid_argument for what the domain has no value for.

/** A size or an offset. @throws invalid_argument beyond 2^53, where a number would no longer be exact */
export function numberFromWire(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidArgument(`${what}: ${value} is more than this daemon counts`);
  return number;
}

export const numberToWire = (value: number): bigint => BigInt(value);

export function timestampToWire({ seconds, nanos }: Timestamp): WireTimestamp {
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos });
}

/** An absent time is the start of the epoch. @throws invalid_argument */
export function timestampFromWire(wire: WireTimestamp | undefined): Timestamp {
  if (wire === undefined) return { seconds: 0, nanos: 0 };
  if (wire.nanos < 0 || wire.nanos > 999_999_999) throw invalidArgument(`timestamp: ${wire.nanos} nanoseconds`);
  return { seconds: numberFromWire(wire.seconds, 'timestamp'), nanos: wire.nanos };
}

// Go's zero time, which Go programs send for none.
const goZeroSeconds = -62135596800n;

/** The same, but nothing for an absent time and for Go's zero time. @throws invalid_argument */
export function someTimestampFromWire(wire: WireTimestamp | undefined): Timestamp | undefined {
  if (wire === undefined || (wire.seconds === goZeroSeconds && wire.nanos === 0)) return undefined;
  return timestampFromWire(wire);
}

export const anyToWire = ({ typeUrl, value }: Any): WireAny =>
  create(AnySchema, { typeUrl, value: value as Uint8Array<ArrayBuffer> });

export const anyFromWire = ({ typeUrl, value }: WireAny): Any => ({ typeUrl, value });

/** An absent Any has neither type nor value. */
export const someAnyFromWire = (wire: WireAny | undefined): Any =>
  wire === undefined ? { typeUrl: '', value: new Uint8Array(0) } : anyFromWire(wire);

export function mapValues<A, B>(map: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

/** Absent and empty masks are the same: no fields are named. */
export const fieldsFromWire = (mask: FieldMask | undefined): readonly string[] | undefined =>
  mask === undefined || mask.paths.length === 0 ? undefined : mask.paths;

/** For an `updateMask` in an initialiser: `{ ...maskToWire(fields) }`. */
export const maskToWire = (
  fields: readonly string[] | undefined,
): { readonly updateMask?: MessageInitShape<typeof FieldMaskSchema> } =>
  fields === undefined || fields.length === 0 ? {} : { updateMask: { paths: [...fields] } };

export function descriptorToWire({ mediaType, digest, size, annotations }: Descriptor): WireDescriptor {
  return create(DescriptorSchema, { mediaType, digest, size: BigInt(size), annotations: { ...annotations } });
}

/** @throws invalid_argument for an absent descriptor, a digest that is none, or a size beyond 2^53 */
export function descriptorFromWire(wire: WireDescriptor | undefined, what: string): Descriptor {
  if (wire === undefined) throw invalidArgument(`${what} is required`);
  parseDigest(wire.digest);
  return uncheckedDescriptorFromWire(wire);
}

/** The same for stores that check descriptors themselves, or need only a part: an absent one has empty fields. */
export function uncheckedDescriptorFromWire(wire: WireDescriptor | undefined): Descriptor {
  const { mediaType = '', digest = '', size = 0n, annotations = {} } = wire ?? {};
  return {
    mediaType,
    digest: digest as Digest,
    size: numberFromWire(size, 'size'),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

export function mountToWire({ type, source, target, options }: Mount): WireMount {
  return create(MountSchema, { type, source, target, options: [...options] });
}

export const mountFromWire = ({ type, source, target, options }: WireMount): Mount => ({
  type,
  source,
  target,
  options,
});

export function platformToWire({
  os,
  architecture,
  variant = '',
  osVersion = '',
  osFeatures = [],
}: Platform): WirePlatform {
  return create(PlatformSchema, { os, architecture, variant, osVersion, osFeatures: [...osFeatures] });
}

export function platformFromWire({ os, architecture, variant, osVersion, osFeatures }: WirePlatform): Platform {
  return {
    os,
    architecture,
    ...(variant !== '' && { variant }),
    ...(osVersion !== '' && { osVersion }),
    ...(osFeatures.length > 0 && { osFeatures }),
  };
}

/** Items in blocks of at most so many: a message each. Nothing at all gives no block. */
export async function* inBlocks<T>(items: AsyncIterable<T>, size = 100): AsyncGenerator<T[]> {
  let block: T[] = [];
  for await (const item of items) {
    if (block.push(item) < size) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}
