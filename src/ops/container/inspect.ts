import { isFault } from '#base/errors';
import { formatTimestamp } from '#base/timestamp';
import type { Container } from '#core/containers/containers';
import { specArgs, specOf } from '#core/engine/command-line';
import { type ContainerSettings, settingsOf } from '#core/engine/container-settings';
import type { ContainerSummary } from '#core/engine/container-summary';
import { readHealth } from '#core/engine/health-file';
import { layoutAt } from '#core/engine/layout';
import { readLifecycle } from '#core/engine/lifecycle-file';
import { readNetworkState } from '#core/engine/network-state';
import { restartLabels } from '#core/engine/restart-labels';
import { summarize } from '#core/engine/summarize';
import type { Engine } from '../engine.ts';
import { findImageIfThere } from '../image/find.ts';
import { dockerNetworks } from './inspect-networks.ts';
import { containerSize } from './size.ts';
import { taskOf } from './task-state.ts';

type Json = Readonly<Record<string, unknown>>;

/** Go's time that is none. */
const never = '0001-01-01T00:00:00Z';

/** What docker's `inspect` says of a container, with its names and in its order. `size` walks what it has written. */
export async function inspectContainer(
  engine: Engine,
  container: Container,
  { size = false }: { readonly size?: boolean } = {},
): Promise<Json> {
  const settings = settingsOf(container);
  const task = await taskOf(engine, container.id);
  const summary = await summarize(container, task);
  const [path = '', ...args] = specArgs(container);
  const spec = specOf(container);
  const sizes = size ? await containerSize(engine, container) : undefined;
  return {
    Id: container.id,
    Created: formatTimestamp(container.createdAt),
    Path: path,
    Args: args,
    State: await stateOf(summary, settings),
    Image: await imageId(engine, container.image),
    ...paths(engine, container.id, settings),
    Name: `/${summary.name}`,
    RestartCount: Number(container.labels[restartLabels.count] ?? 0) || 0,
    Driver: container.snapshotter,
    Platform: summary.platform.split('/')[0] || 'linux',
    MountLabel: spec.linux?.mountLabel ?? '',
    ProcessLabel: spec.process?.selinuxLabel ?? '',
    AppArmorProfile: spec.process?.apparmorProfile ?? '',
    ExecIDs: null,
    HostConfig: settings?.hostConfig ?? foreignHostConfig(container),
    GraphDriver: { Data: await graphData(engine, container), Name: container.snapshotter },
    ...(sizes !== undefined && { SizeRw: sizes.own, SizeRootFs: sizes.whole }),
    Mounts: summary.mounts.map(({ type, name, source, destination, driver, mode, rw, propagation }) => ({
      Type: type,
      ...(name !== '' && { Name: name }),
      Source: source,
      Destination: destination,
      ...(driver !== '' && { Driver: driver }),
      Mode: mode,
      RW: rw,
      Propagation: propagation,
    })),
    Config: settings?.config ?? foreignConfig(container),
    NetworkSettings: dockerNetworks(
      settings,
      settings === undefined ? undefined : await readNetworkState(settings.stateDir),
      summary,
    ),
  };
}

async function stateOf(
  { state, pid, exitCode, startedAt, finishedAt }: ContainerSummary,
  settings: ContainerSettings | undefined,
): Promise<Json> {
  const lifecycle = settings === undefined ? undefined : await readLifecycle(settings.stateDir);
  const health = settings?.health === undefined ? undefined : await readHealth(settings.stateDir);
  return {
    Status: state,
    // As docker has it: what is paused, or will be run again at once, counts as running.
    Running: state === 'running' || state === 'paused' || state === 'restarting',
    Paused: state === 'paused',
    Restarting: state === 'restarting',
    OOMKilled: lifecycle?.oomKilled ?? false,
    Dead: state === 'dead',
    Pid: pid,
    ExitCode: exitCode,
    Error: lifecycle?.createError ?? '',
    StartedAt: startedAt || never,
    FinishedAt: finishedAt || never,
    ...(settings?.health !== undefined && { Health: health ?? { Status: 'starting', FailingStreak: 0, Log: [] } }),
  };
}

/** The digest that the image's name stands for now; the name where it is gone. */
async function imageId(engine: Engine, name: string): Promise<string> {
  const found = name === '' ? undefined : await findImageIfThere(engine, name).catch(unlessInvalid);
  return found?.image.target.digest ?? name;
}

function paths({ scope }: Engine, id: string, settings: ContainerSettings | undefined): Json {
  if (settings === undefined) return { ResolvConfPath: '', HostnamePath: '', HostsPath: '', LogPath: '' };
  const { stateDir, dataStore, streams } = settings;
  return {
    ResolvConfPath: `${stateDir}/resolv.conf`,
    HostnamePath: `${stateDir}/hostname`,
    HostsPath: `${layoutAt(dataStore).hosts(scope.namespace, id)}/hosts`,
    LogPath: streams.logPath,
  };
}

/** Where an overlay's directories are; nothing of other snapshotters, or of a snapshot that is gone. */
async function graphData({ client, scope }: Engine, { snapshotter, snapshotKey }: Container): Promise<Json | null> {
  if (snapshotKey === '') return null;
  try {
    const [mount] = await (await client.snapshotter(scope, snapshotter)).mounts(scope, snapshotKey);
    const option = (name: string): string | undefined =>
      mount?.options.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
    const [lower, upper, work] = [option('lowerdir'), option('upperdir'), option('workdir')];
    if (upper === undefined) return mount === undefined ? null : { Source: mount.source };
    return {
      ...(lower !== undefined && { LowerDir: lower }),
      UpperDir: upper,
      ...(work !== undefined && { WorkDir: work }),
    };
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || isFault(thrown, 'failed_precondition')) return null;
    throw thrown;
  }
}

/** Of a container that another tool made, from its spec. */
function foreignConfig(container: Container): Json {
  const { process, hostname = '' } = specOf(container);
  const { env = [], cwd = '', terminal = false, user } = process ?? {};
  return {
    Hostname: hostname,
    User: user === undefined || (user.uid === 0 && user.gid === 0) ? '' : `${user.uid}:${user.gid}`,
    Tty: terminal,
    Env: env,
    Cmd: specArgs(container),
    Image: container.image,
    Volumes: null,
    WorkingDir: cwd,
    Entrypoint: null,
    Labels: container.labels,
  };
}

const foreignHostConfig = ({ runtime }: Container): Json => ({
  LogConfig: { Type: '', Config: {} },
  PortBindings: {},
  Runtime: runtime.name,
});

function unlessInvalid(thrown: unknown): undefined {
  if (!isFault(thrown, 'invalid_argument')) throw thrown;
  return undefined;
}
