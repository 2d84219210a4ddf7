import type { Any } from '#base/any';
import type { Container } from '#core/containers/containers';
import { manifestFor, readConfig } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Scope } from '#core/scope';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import { inheritedLabels, stopSignalLabel, withImageConfig } from '#lib/oci/spec/image';
import { withEnv } from '#lib/oci/spec/process';
import type { Spec } from '#lib/oci/spec/spec';
import { defaultPlatform, onlyPlatform, type Platform } from '#lib/platform';
import { packSpec } from './any-json.ts';
import type { Client } from './client.ts';
import { userInSnapshot } from './container-user.ts';
import { rootSnapshot } from './unpacked.ts';

export interface NewContainer {
  readonly id: string;
  /** Takes the place of the image's command, behind its entrypoint. */
  readonly args?: readonly string[];
  /** `NAME=value`; wins over the image's. */
  readonly env?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Empty: the namespace's or the daemon's default. */
  readonly snapshotter?: string;
  readonly platform?: Platform;
  /** Absent: the namespace's default, or runc. */
  readonly runtime?: { readonly name: string; readonly options?: Any };
  /** A last change of what the defaults and the image have made. */
  readonly spec?: (spec: Spec) => Spec;
}

/**
 * Makes a container of an image that is unpacked: a snapshot of its own, called like the container, and the record. Neither stays
 * when the other cannot be made. Mounts the tree for a moment where the image names its user by a name.
 *
 * @throws not_found for an image that is not here or not unpacked; already_exists for the id; invalid_argument
 */
export async function createContainer(
  client: Client,
  scope: Scope,
  image: Image,
  wanted: NewContainer,
): Promise<Container> {
  const { id, env = [], platform = defaultPlatform(), spec: change = (spec) => spec } = wanted;
  const platforms = onlyPlatform(platform);
  const { manifest } = await manifestFor(client.content, scope, image.target, platforms);
  const { config } = await readConfig(client.content, scope, manifest);
  const parent = await rootSnapshot(client, scope, image.target, platforms);
  const name = await client.snapshotterName(scope, wanted.snapshotter ?? '');
  const snapshotter = await client.snapshotter(scope, name);
  // Until the record refers to it, nothing else keeps the new snapshot.
  await using lease = await client.lease(scope);
  const mounts = await snapshotter.prepare(lease.scope, id, parent);
  try {
    const user = await userInSnapshot(mounts, config.user);
    const usual = withEnv(defaultSpec(id, scope.namespace), env);
    const spec = withImageConfig(usual, config, { user, ...(wanted.args !== undefined && { args: wanted.args }) });
    return await client.containers.create(lease.scope, {
      id,
      labels: { ...inheritedLabels(config), [stopSignalLabel]: config.stopSignal || 'SIGTERM', ...wanted.labels },
      image: image.name,
      runtime: wanted.runtime ?? { name: await client.runtimeName(scope, '') },
      spec: packSpec(change(spec)),
      snapshotter: name,
      snapshotKey: id,
      extensions: {},
      sandboxId: '',
    });
  } catch (thrown) {
    await snapshotter.remove(scope, id);
    throw thrown;
  }
}
