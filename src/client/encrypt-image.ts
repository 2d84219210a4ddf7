import type { KeyObject } from 'node:crypto';
import { isFault, notFound } from '#base/errors';
import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import { manifestsOf } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Scope } from '#core/scope';
import { openWriter } from '#core/transfer/engine/open-writer';
import { decryptedType, isEncrypted, isLayerType, mediaTypes as m } from '#lib/oci/media-types';
import { decryptLayer, LayerEncryption } from '#lib/ocicrypt/layer-cipher';
import {
  type Annotations,
  addRecipients,
  isEncryptionAnnotation,
  newLayerKey,
  openLayer,
  sealLayer,
} from '#lib/ocicrypt/layer-keys';
import type { PlatformMatcher } from '#lib/platform';
import type { Client } from './client.ts';
import { type ConvertLayer, convertImage, type LayerPlace } from './convert-image.ts';
import { bytesOf } from './uncompress-layer.ts';

export interface CryptOptions {
  /** The image that comes of it; the same as the source to replace it. */
  readonly name: string;
  /** Which of an index's images are changed; the others stay as they are. */
  readonly platforms: PlatformMatcher;
  /** Which layers, from 0; negative ones from the top; none means all. */
  readonly layers: readonly number[];
  /** Private keys: to decrypt, or to let further recipients have what is encrypted already. */
  readonly keys: readonly KeyObject[];
}

/**
 * Encrypts an image's layers for whoever has a private key of one of the recipients. A layer that is encrypted already gets the
 * recipients beside those that it has. @throws not_found; permission_denied for such a layer without a key that opens it
 */
export function encryptImage(
  client: Client,
  scope: Scope,
  source: string,
  recipients: readonly KeyObject[],
  options: CryptOptions,
): Promise<Image> {
  return changed(client, scope, source, options, async (content, inner, layer) => {
    if (!isEncrypted(layer.mediaType)) return encrypted(content, inner, layer, recipients);
    const annotations = layer.annotations ?? {};
    const secrets = openLayer(annotations, layer.digest, options.keys);
    return { ...layer, annotations: addRecipients(annotations, secrets, recipients) };
  });
}

/**
 * Takes the encryption away. All that is encrypted must be for one of the keys, also for other platforms: whoever has no key for a part has
 * no right to the image. @throws not_found; permission_denied; data_loss for a damaged layer
 */
export async function decryptImage(
  client: Client,
  scope: Scope,
  source: string,
  options: CryptOptions,
): Promise<Image> {
  const { target } = await client.images.get(scope, source);
  await checkAuthorization(client.content, scope, target, options.keys);
  return changed(client, scope, source, options, async (content, inner, layer) =>
    isEncrypted(layer.mediaType) ? decrypted(content, inner, layer, options.keys) : undefined,
  );
}

/** Whether the keys open every encrypted layer of every manifest that is here, whatever its platform. @throws permission_denied */
export async function checkAuthorization(
  content: ContentStore,
  scope: Scope,
  target: Descriptor,
  keys: readonly KeyObject[],
): Promise<void> {
  for (const { manifest } of await manifestsOf(content, scope, target))
    for (const { mediaType, annotations = {}, digest } of manifest.layers)
      if (isEncrypted(mediaType)) openLayer(annotations, digest, keys);
}

/** Who names layers or platforms that the image does not have must not take what comes of it for encrypted. */
function changed(
  client: Client,
  scope: Scope,
  source: string,
  { name, platforms, layers }: CryptOptions,
  change: ConvertLayer,
): Promise<Image> {
  let chosen = 0;
  const wanted = ({ at, count }: LayerPlace) =>
    layers.length === 0 || layers.some((one) => one === at || one + count === at);
  return convertImage(client, scope, source, name, {
    platforms,
    others: 'keep',
    toOci: true,
    layer: async (content, inner, layer, place) => {
      if (place === undefined || !isLayerType(layer.mediaType)) return undefined;
      if (!wanted(place)) return undefined;
      chosen++;
      return change(content, inner, layer, place);
    },
    check: () => {
      if (chosen === 0) throw notFound(`image ${JSON.stringify(source)}: such a layer for these platforms`);
    },
  });
}

const encryptedTypes: Readonly<Record<string, string>> = {
  [m.dockerLayer]: m.ociLayer,
  [m.dockerLayerGzip]: m.ociLayerGzip,
  [m.dockerLayerZstd]: m.ociLayerZstd,
  [m.dockerForeignLayer]: m.ociForeignLayer,
  [m.dockerForeignLayerGzip]: m.ociForeignLayerGzip,
};

async function encrypted(
  content: ContentStore,
  scope: Scope,
  layer: Descriptor,
  recipients: readonly KeyObject[],
): Promise<Descriptor> {
  const key = newLayerKey();
  const stream = new LayerEncryption(bytesOf(content, scope, layer), key);
  const stored = await store(content, scope, `encrypt-${layer.digest}`, stream);
  const sealed = sealLayer({ ...key, hmac: stream.hmac, plainDigest: layer.digest }, recipients);
  const mediaType = `${encryptedTypes[layer.mediaType] ?? layer.mediaType}+encrypted`;
  return { ...layer, ...stored, mediaType, annotations: { ...layer.annotations, ...sealed } };
}

async function decrypted(
  content: ContentStore,
  scope: Scope,
  layer: Descriptor,
  keys: readonly KeyObject[],
): Promise<Descriptor> {
  const { annotations = {} } = layer;
  const secrets = openLayer(annotations, layer.digest, keys);
  const stream = decryptLayer(bytesOf(content, scope, layer), secrets, secrets.hmac);
  const stored = await store(content, scope, `decrypt-${layer.digest}`, stream);
  const { annotations: _, ...bare } = layer;
  const rest: Annotations = Object.fromEntries(
    Object.entries(annotations).filter(([name]) => !isEncryptionAnnotation(name)),
  );
  return {
    ...bare,
    ...stored,
    mediaType: decryptedType(layer.mediaType),
    ...(Object.keys(rest).length > 0 && { annotations: rest }),
  };
}

/** Stores what the stream gives. When it fails nothing of it stays. */
async function store(
  content: ContentStore,
  scope: Scope,
  ref: string,
  stream: AsyncIterable<Uint8Array>,
): Promise<Pick<Descriptor, 'digest' | 'size'>> {
  const writer = await openWriter(content, scope, ref, {});
  if (writer === undefined) throw new Error('an ingest without an expected digest is never there already');
  try {
    if (writer.status().offset > 0) await writer.truncate(0); // left by one that was interrupted
    for await (const bytes of stream) await writer.write(bytes);
    const [digest, size] = [writer.digest(), writer.status().offset];
    await writer.commit(size, undefined).catch((thrown: unknown) => {
      if (!isFault(thrown, 'already_exists')) throw thrown;
    });
    return { digest, size };
  } catch (thrown) {
    await writer[Symbol.asyncDispose]();
    const after = { namespace: scope.namespace, signal: AbortSignal.timeout(10_000) };
    await content.abort(after, ref).catch(() => {}); // the first error counts; an ingest without a lease goes after a day
    throw thrown;
  }
}
