import { resolve } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { OptionsSchema as GenericOptionsSchema } from '#api/runtime/options/v1/options_pb';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import { packSpec } from '#client/any-json';
import { userInRoot, userInSnapshot } from '#client/container-user';
import { prepareRemapped } from '#client/remap';
import { unpackImage } from '#client/unpack';
import { isUnpacked, rootSnapshot } from '#client/unpacked';
import type { Container } from '#core/containers/containers';
import { manifestFor, readConfig } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { Mount } from '#core/mount';
import type { ImageConfig } from '#lib/oci/image-config';
import { inheritedLabels, stopSignalLabel, withImageConfig } from '#lib/oci/spec/image';
import { parseIdMapping } from '#lib/oci/spec/namespaces';
import { withArgs, withRootfs } from '#lib/oci/spec/process';
import type { Spec } from '#lib/oci/spec/spec';
import { defaultPlatform, onlyPlatform, type PlatformMatcher, parsePlatform } from '#lib/platform';
import type { Session } from '../globals.ts';
import { parseNewLabels } from '../output.ts';
import type { ContainerFlags, RunFlags } from './container-flags.ts';
import { containerSpec } from './container-spec.ts';

export interface Wanted {
  readonly flags: ContainerFlags & Partial<RunFlags>;
  readonly given: ReadonlySet<string>;
  readonly cwd: string;
  readonly id: string;
  /** An image's name, or with `--rootfs` a directory; empty with `--config`. */
  readonly source: string;
  readonly args: readonly string[];
}

/** Reads `Image|RootFS ID [COMMAND…]`, or with `--config` `ID`. @throws invalid_argument for what is missing or too much */
export function readWords(words: readonly string[], flags: ContainerFlags): Pick<Wanted, 'id' | 'source' | 'args'> {
  if (flags.config !== '') {
    if (words.length > 1) throw invalidArgument('with spec config file, only container id should be provided');
    return { id: required(words[0], 'container id must be provided'), source: '', args: [] };
  }
  const source = required(words[0], 'image ref must be provided');
  return { source, id: required(words[1], 'container id must be provided'), args: words.slice(2) };
}

/** Makes the container's snapshot and record; the snapshot goes again when the record cannot be made. */
export async function newContainer(session: Session, asked: Wanted): Promise<Container> {
  const named = asked.given.has('runtime') ? asked.flags.runtime : '';
  const flags = { ...asked.flags, runtime: await session.client.runtimeName(session.scope, named) };
  const wanted = { ...asked, flags };
  if (flags.config !== '')
    return record(session, wanted, await containerSpec(specInput(session, wanted, async (spec) => spec)), {});
  if (flags.rootfs) return fromDirectory(session, wanted);
  return fromImage(session, wanted);
}

async function fromDirectory(session: Session, wanted: Wanted): Promise<Container> {
  const root = resolve(wanted.cwd, wanted.source);
  const user = await userInRoot(root, '');
  const input = specInput(session, wanted, async (spec) => {
    const rooted = withRootfs({ ...spec, process: { ...(spec.process ?? { cwd: '/' }), user } }, root);
    return wanted.args.length > 0 ? withArgs(rooted, wanted.args) : rooted;
  });
  return record(session, wanted, await containerSpec(input), {});
}

async function fromImage(session: Session, wanted: Wanted): Promise<Container> {
  const { client, scope } = session;
  const image = await client.images.get(scope, wanted.source);
  const platforms = onlyPlatform(wanted.flags.platform ? parsePlatform(wanted.flags.platform) : defaultPlatform());
  const found = await manifestFor(client.content, scope, image.target, platforms);
  const { flags } = wanted;
  if (!(await isUnpacked(client, scope, image.target, platforms, flags.snapshotter)))
    await unpackImage(client, scope, found, flags.snapshotter);
  const config = await readConfig(client.content, scope, found.manifest);
  const snapshotter = await client.snapshotterName(scope, flags.snapshotter);
  // Until the container refers to it nothing keeps the new snapshot.
  await using lease = await client.lease(scope);
  const leased = { client, scope: lease.scope };
  const mounts = await prepareRoot(leased, wanted, image, platforms);
  try {
    const input = specInput(session, wanted, async (spec) => {
      const user = await userInSnapshot(mounts, config.config.user);
      return withImageConfig(spec, config.config, { user, args: wanted.args });
    });
    const labels = imageLabels(image, config);
    return await record(leased, wanted, await containerSpec(input), {
      image: image.name,
      snapshotter,
      snapshotKey: wanted.id,
      labels,
    });
  } catch (thrown) {
    await (await client.snapshotter(scope, flags.snapshotter)).remove(scope, wanted.id);
    throw thrown;
  }
}

async function prepareRoot(
  { client, scope }: Session,
  { flags, id }: Wanted,
  image: Image,
  platforms: PlatformMatcher,
): Promise<readonly Mount[]> {
  const snapshotter = await client.snapshotter(scope, flags.snapshotter);
  const root = await rootSnapshot(client, scope, image.target, platforms);
  const { uidmap = '', gidmap = '' } = flags;
  if (uidmap === '' || gidmap === '')
    return snapshotter.prepare(scope, id, root, { labels: parseNewLabels(flags['snapshotter-label']) });
  const [uids, gids] = [parseIdMapping(uidmap), parseIdMapping(gidmap)];
  if (!flags['remap-labels'])
    return prepareRemapped(snapshotter, scope, id, root, { uid: uids.hostID, gid: gids.hostID });
  const labels = {
    'containerd.io/snapshot/uidmapping': `0:${uids.hostID}:${uids.size}`,
    'containerd.io/snapshot/gidmapping': `0:${gids.hostID}:${uids.size}`,
  };
  return snapshotter.prepare(scope, id, root, { labels });
}

/** What the image itself says about the container: its labels (but for those with a meaning to the daemon) and its stop signal. */
const imageLabels = (image: Image, { config }: ImageConfig): Readonly<Record<string, string>> => ({
  ...inheritedLabels(config),
  ...image.labels,
  [stopSignalLabel]: config.stopSignal || 'SIGTERM',
});

interface RecordParts {
  readonly image?: string;
  readonly snapshotter?: string;
  readonly snapshotKey?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function record({ client, scope }: Session, { id, flags }: Wanted, spec: Spec, parts: RecordParts): Promise<Container> {
  const options = runtimeOptions(flags);
  return client.containers.create(scope, {
    id,
    labels: { ...parts.labels, ...parseNewLabels(flags.label) },
    image: parts.image ?? '',
    runtime: { name: flags.runtime, ...(options === undefined ? {} : { options }) },
    spec: packSpec(spec),
    snapshotter: parts.snapshotter ?? '',
    snapshotKey: parts.snapshotKey ?? '',
    extensions: {},
    sandboxId: '',
  });
}

const runcRuntime = 'io.containerd.runc.v2';

/** The runtime's options as containers carry them. @throws invalid_argument for runc's flags with another runtime */
function runtimeOptions(flags: ContainerFlags & Partial<RunFlags>): Any | undefined {
  const {
    'runc-binary': binaryName = '',
    'runc-systemd-cgroup': systemdCgroup = false,
    'runc-root': root = '',
  } = flags;
  if (flags.runtime !== runcRuntime && (binaryName !== '' || systemdCgroup)) {
    throw invalidArgument(
      `specifying runc-binary and runc-systemd-cgroup is only supported for "${runcRuntime}" runtime`,
    );
  }
  if (systemdCgroup && !flags.cgroup) {
    throw invalidArgument(
      'option --runc-systemd-cgroup requires --cgroup to be set, e.g. "machine.slice:foo:deadbeef"',
    );
  }
  if (flags.runtime === runcRuntime) {
    const options = create(OptionsSchema, { binaryName, systemdCgroup, root });
    return { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) };
  }
  const configPath = flags['runtime-config-path'];
  if (configPath === '') return undefined;
  const options = create(GenericOptionsSchema, { configPath });
  return { typeUrl: GenericOptionsSchema.typeName, value: toBinary(GenericOptionsSchema, options) };
}

/** What `run` adds for the task alone: no pivot, and the owners of its streams. */
export function taskOptions(flags: ContainerFlags & Partial<RunFlags>): Any | undefined {
  const { uidmap = '', gidmap = '', 'no-pivot': noPivotRoot } = flags;
  if (flags.runtime !== runcRuntime || (uidmap === '' && gidmap === '' && !noPivotRoot)) return undefined;
  const {
    'runc-binary': binaryName = '',
    'runc-systemd-cgroup': systemdCgroup = false,
    'runc-root': root = '',
  } = flags;
  const ioUid = uidmap === '' ? 0 : parseIdMapping(uidmap).hostID;
  const ioGid = gidmap === '' ? 0 : parseIdMapping(gidmap).hostID;
  const options = create(OptionsSchema, { binaryName, systemdCgroup, root, noPivotRoot, ioUid, ioGid });
  return { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) };
}

const specInput = ({ scope }: Session, { id, flags, given }: Wanted, applyImage: (spec: Spec) => Promise<Spec>) => ({
  id,
  namespace: scope.namespace,
  flags,
  given,
  applyImage,
});

function required(word: string | undefined, complaint: string): string {
  if (word === undefined || word === '') throw invalidArgument(complaint);
  return word;
}
