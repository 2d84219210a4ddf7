import type { Descriptor } from '#core/descriptor';
import { isEncrypted } from '#lib/oci/media-types';
import { decoderIds, encodePayload, payloadType } from '#lib/ocicrypt/payload';
import type { ApplyOptions } from './diff.ts';

type Payloads = NonNullable<ApplyOptions['payloads']>;

/** What decoders have to be told of an encrypted layer; what somebody has said already counts. Nothing for other layers. */
export function decoderPayloads(layer: Descriptor, given: Payloads = {}): Payloads {
  if (!isEncrypted(layer.mediaType)) return given;
  const payload = { typeUrl: payloadType, value: encodePayload({ descriptor: layer, keys: [] }) };
  return { ...Object.fromEntries(decoderIds.map((id) => [id, payload])), ...given };
}
