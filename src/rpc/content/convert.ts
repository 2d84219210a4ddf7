import { create } from '@bufbuild/protobuf';
import {
  InfoSchema,
  StatusSchema,
  type Info as WireInfo,
  type Status as WireStatus,
} from '#api/services/content/v1/content_pb';
import { internal, invalidArgument } from '#base/errors';
import type { BlobInfo, IngestStatus } from '#core/content/content';
import { type Digest, parseDigest } from '#lib/digest';
import { numberFromWire, timestampFromWire, timestampToWire } from '../values.ts';

export function infoToWire({ digest, size, createdAt, updatedAt, labels }: BlobInfo): WireInfo {
  return create(InfoSchema, {
    digest,
    size: BigInt(size),
    createdAt: timestampToWire(createdAt),
    updatedAt: timestampToWire(updatedAt),
    labels: { ...labels },
  });
}

/** @throws invalid_argument for an absent info or a digest that is none */
export function infoFromWire(wire: WireInfo | undefined): BlobInfo {
  if (wire === undefined) throw invalidArgument('content info is required');
  return {
    digest: parseDigest(wire.digest),
    size: numberFromWire(wire.size, 'size'),
    createdAt: timestampFromWire(wire.createdAt),
    updatedAt: timestampFromWire(wire.updatedAt),
    labels: wire.labels,
  };
}

export function statusToWire({ ref, offset, total, expected, startedAt, updatedAt }: IngestStatus): WireStatus {
  return create(StatusSchema, {
    ref,
    offset: BigInt(offset),
    total: BigInt(total),
    expected: expected ?? '',
    startedAt: timestampToWire(startedAt),
    updatedAt: timestampToWire(updatedAt),
  });
}

export function statusFromWire(wire: WireStatus | undefined): IngestStatus {
  if (wire === undefined) throw internal('an answer without a status');
  const expected = someDigestFromWire(wire.expected);
  return {
    ref: wire.ref,
    offset: numberFromWire(wire.offset, 'offset'),
    total: numberFromWire(wire.total, 'total'),
    ...(expected !== undefined && { expected }),
    startedAt: timestampFromWire(wire.startedAt),
    updatedAt: timestampFromWire(wire.updatedAt),
  };
}

/** The empty text means that there is none. @throws invalid_argument for any other that is no digest */
export const someDigestFromWire = (text: string): Digest | undefined => (text === '' ? undefined : parseDigest(text));
