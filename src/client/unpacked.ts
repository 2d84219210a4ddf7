import { isFault } from '#base/errors';
import type { Descriptor } from '#core/descriptor';
import { manifestFor, readConfig } from '#core/images/image-content';
import type { Scope } from '#core/scope';
import { chainId } from '#lib/oci/image-config';
import type { PlatformMatcher } from '#lib/platform';
import type { Client } from './client.ts';

/** The name of the snapshot that holds an image's whole tree. @throws not_found when its manifest or configuration is not here */
export async function rootSnapshot(
  client: Client,
  scope: Scope,
  target: Descriptor,
  platforms: PlatformMatcher,
): Promise<string> {
  const { manifest } = await manifestFor(client.content, scope, target, platforms);
  return chainId((await readConfig(client.content, scope, manifest)).diffIds);
}

/** Whether an image's tree stands ready in a snapshotter. An image that is not here whole is not. */
export async function isUnpacked(
  client: Client,
  scope: Scope,
  target: Descriptor,
  platforms: PlatformMatcher,
  snapshotter: string,
): Promise<boolean> {
  try {
    const name = await rootSnapshot(client, scope, target, platforms);
    await (await client.snapshotter(scope, snapshotter)).stat(scope, name);
    return true;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return false;
    throw thrown;
  }
}
