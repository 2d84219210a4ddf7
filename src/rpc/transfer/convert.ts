import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type ImageReference,
  ImageReferenceSchema,
  type ImageStore,
  type ImageStoreSchema,
} from '#api/types/transfer/imagestore_pb';
import type { ProgressSchema, Progress as WireProgress } from '#api/types/transfer/progress_pb';
import { type AuthResponse, AuthResponseSchema, AuthType } from '#api/types/transfer/registry_pb';
import { invalidArgument } from '#base/errors';
import type { Progress } from '#core/transfer/progress';
import type { ImportName, Naming, UnpackTarget } from '#core/transfer/transfer';
import type { Platform } from '#lib/platform';
import type { Credentials } from '#lib/registry/credentials';
import { descriptorFromWire, descriptorToWire, numberFromWire, platformFromWire, platformToWire } from '../values.ts';

export function progressToWire({
  event,
  name,
  parents,
  progress,
  total,
  descriptor,
}: Progress): MessageInitShape<typeof ProgressSchema> {
  return {
    event,
    name,
    parents: [...parents],
    progress: BigInt(progress),
    total: BigInt(total),
    ...(descriptor !== undefined && { desc: descriptorToWire(descriptor) }),
  };
}

export function progressFromWire({ event, name, parents, progress, total, desc }: WireProgress): Progress {
  return {
    event,
    name,
    parents,
    progress: numberFromWire(progress, 'progress'),
    total: numberFromWire(total, 'total'),
    ...(desc !== undefined && { descriptor: descriptorFromWire(desc, 'descriptor') }),
  };
}

/** What a transfer may say of the image store at one of its ends; what is left out is the wire's zero. */
export interface StoreEnd {
  readonly image: Naming;
  readonly platforms?: readonly Platform[];
  readonly allMetadata?: boolean;
  readonly manifestLimit?: number;
  readonly names?: readonly ImportName[];
  readonly unpacks?: readonly UnpackTarget[];
}

export function storeFromWire(wire: ImageStore): Required<StoreEnd> {
  return {
    image: { name: wire.name, labels: wire.labels },
    platforms: wire.platforms.map(platformFromWire),
    allMetadata: wire.allMetadata,
    manifestLimit: wire.manifestLimit,
    names: wire.extraReferences.map(importNameFromWire),
    unpacks: wire.unpacks.map(
      ({ platform, snapshotter }): UnpackTarget => ({
        snapshotter,
        ...(platform !== undefined && { platform: platformFromWire(platform) }),
      }),
    ),
  };
}

export function storeToWire(end: StoreEnd): MessageInitShape<typeof ImageStoreSchema> {
  return {
    name: end.image.name,
    labels: { ...end.image.labels },
    platforms: (end.platforms ?? []).map(platformToWire),
    allMetadata: end.allMetadata ?? false,
    manifestLimit: end.manifestLimit ?? 0,
    extraReferences: (end.names ?? []).map((name) => create(ImageReferenceSchema, { ...name })),
    unpacks: (end.unpacks ?? []).map(({ platform, snapshotter }) => ({
      snapshotter,
      ...(platform !== undefined && { platform: platformToWire(platform) }),
    })),
  };
}

function importNameFromWire({
  name,
  isPrefix,
  allowOverwrite,
  addDigest,
  skipNamedDigest,
}: ImageReference): ImportName {
  return { name, isPrefix, allowOverwrite, addDigest, skipNamedDigest };
}

export function credentialsToWire(found: Credentials | undefined): AuthResponse {
  if (found === undefined) return create(AuthResponseSchema, { authType: AuthType.NONE });
  if ('header' in found) return create(AuthResponseSchema, { authType: AuthType.HEADER, secret: found.header });
  if ('identityToken' in found)
    return create(AuthResponseSchema, { authType: AuthType.REFRESH, secret: found.identityToken });
  return create(AuthResponseSchema, { authType: AuthType.CREDENTIALS, username: found.user, secret: found.password });
}

/** @throws invalid_argument for a kind of answer that nobody knows */
export function credentialsFromWire({ authType, username, secret }: AuthResponse): Credentials | undefined {
  switch (authType) {
    case AuthType.NONE:
      return undefined;
    case AuthType.CREDENTIALS:
      return { user: username, password: secret };
    case AuthType.REFRESH:
      return { identityToken: secret };
    case AuthType.HEADER:
      return { header: secret };
    default:
      throw invalidArgument(`answer of type ${authType} to a request for credentials`);
  }
}
