import { resolve } from 'node:path';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import { packSpec } from '#client/any-json';
import { userInRoot, userInSnapshot } from '#client/container-user';
import { isUnpacked } from '#client/unpacked';
import type { Container } from '#core/containers/containers';
import { manifestFor, readConfig } from '#core/images/image-content';
import type { Image } from '#core/images/images';
import type { ImageConfig } from '#lib/oci/image-config';
import { inheritedLabels, stopSignalLabel, withImageConfig } from '#lib/oci/spec/image';
import { withArgs, withRootfs } from '#lib/oci/spec/process';
import type { Spec } from '#lib/oci/spec/spec';
import { defaultPlatform, onlyPlatform, parsePlatform } from '#lib/platform';
import type { Session } from '../globals.ts';
import { parseNewLabels } from '../output.ts';
import type { ContainerFlags, RunFlags } from './container-flags.ts';
import { containerSpec } from './container-spec.ts';
import { cniExtension } from './networking.ts';
import { prepareRoot } from './root-snapshot.ts';
import { runtimeOptions } from './runtime-options.ts';

export interface Wanted {
  readonly flags: ContainerFlags & Partial<RunFlags>;
  readonly given: ReadonlySet<string>;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly id: string;
  /** An image's name, or with `--rootfs` a directory; empty with `--config`. */
  readonly source: string;
  readonly args: readonly string[];
  /** What a task that is started later is to be told. */
  readonly noPivotRoot?: boolean;
  readonly extensions?: Readonly<Record<string, Any>>;
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
  const { flags } = wanted;
  const root = resolve(wanted.cwd, wanted.source);
  const user = await userInRoot(root, flags.user);
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
    await (await import('#client/unpack')).unpackImage(client, scope, found, flags.snapshotter, {
      syncFs: flags['sync-fs'] ?? false,
    });
  const config = await readConfig(client.content, scope, found.manifest);
  const snapshotter = await client.snapshotterName(scope, flags.snapshotter);
  // Until the container refers to it nothing keeps the new snapshot.
  await using lease = await client.lease(scope);
  const leased = { client, scope: lease.scope };
  const mounts = await prepareRoot(leased, image, { key: wanted.id, flags, platforms });
  try {
    const input = specInput(session, wanted, async (spec) => {
      const user = await userInSnapshot(mounts, flags.user || config.config.user);
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

function record({ client, scope }: Session, wanted: Wanted, spec: Spec, parts: RecordParts): Promise<Container> {
  const { id, flags } = wanted;
  const options = runtimeOptions(flags, wanted.noPivotRoot);
  if (flags['runc-systemd-cgroup'] && !flags.cgroup) {
    throw invalidArgument(
      'option --runc-systemd-cgroup requires --cgroup to be set, e.g. "machine.slice:foo:deadbeef"',
    );
  }
  return client.containers.create(scope, {
    id,
    labels: { ...parts.labels, ...parseNewLabels(flags.label) },
    image: parts.image ?? '',
    runtime: { name: flags.runtime, ...(options === undefined ? {} : { options }) },
    spec: packSpec(spec),
    snapshotter: parts.snapshotter ?? '',
    snapshotKey: parts.snapshotKey ?? '',
    extensions: { ...wanted.extensions, ...(flags.cni === true ? cniExtension : {}) },
    sandboxId: flags.sandbox,
  });
}

const specInput = ({ scope }: Session, wanted: Wanted, applyImage: (spec: Spec) => Promise<Spec>) => ({
  ...wanted,
  namespace: scope.namespace,
  applyImage,
});

function required(word: string | undefined, complaint: string): string {
  if (word === undefined || word === '') throw invalidArgument(complaint);
  return word;
}
