import { isFault } from '#base/errors';
import { formatTimestamp } from '#base/timestamp';
import type { Container } from '#core/containers/containers';
import type { Glance } from '#core/runtime/runtime';
import { commandLine, specArgs } from './command-line.ts';
import { type ContainerSettings, type PortMapping, settingsOf } from './container-settings.ts';
import type { ContainerState, ContainerSummary } from './container-summary.ts';
import { type HealthStatus, healthStateLabel } from './health-file.ts';
import { type Lifecycle, neverStarted, readLifecycle } from './lifecycle-file.ts';
import { readNetworkState } from './network-state.ts';
import { changeFor } from './restart-policy.ts';

/** What is known of a container, put together: its record, its task where it has one, its files. */
export async function summarize(container: Container, task: Glance | undefined): Promise<ContainerSummary> {
  const settings = readableSettings(container);
  const alive = task !== undefined && ['running', 'paused', 'pausing'].includes(task.status);
  const lifecycle = settings === undefined ? neverStarted : await readLifecycle(settings.stateDir);
  const finishedAt = alive ? '' : endOf(task, lifecycle);
  const exitCode = alive ? 0 : task?.status === 'stopped' ? task.exitStatus : lifecycle.exitCode;
  const managed = settings !== undefined;
  const state = stateOf(container, task, { alive, ended: finishedAt !== '', exitCode, managed });
  return {
    id: container.id,
    name: settings?.name ?? nameOf(container),
    image: textIn(settings?.config, 'Image') ?? container.image,
    imageName: container.image,
    command: commandLine(argumentsOf(container, settings)),
    createdAt: container.createdAt,
    labels: labelsOf(container, settings),
    recordLabels: container.labels,
    state,
    pid: alive ? task.pid : 0,
    exitCode,
    startedAt: lifecycle.startedAt,
    finishedAt,
    ...(alive && settings?.health !== undefined && { health: healthOf(container) }),
    ports: alive && settings !== undefined ? await portsOf(settings) : [],
    mounts: settings?.mounts ?? [],
    networkMode: settings?.network.mode ?? '',
    attachments: settings?.network.attachments ?? [],
    anonymousVolumes: settings?.anonymousVolumes ?? [],
    platform: container.labels['nerdctl/platform'] ?? '',
    runtime: container.runtime.name,
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
  };
}

/** Settings that nobody can read are as if there were none: a list still shows the others. */
function readableSettings(container: Container): ContainerSettings | undefined {
  try {
    return settingsOf(container);
  } catch (thrown) {
    if (!isFault(thrown, 'invalid_argument')) throw thrown;
    return undefined;
  }
}

function endOf(task: Glance | undefined, { finishedAt }: Lifecycle): string {
  if (task?.status === 'stopped' && task.exitedAt !== undefined) return formatTimestamp(task.exitedAt);
  return finishedAt;
}

function stateOf(
  { labels }: Container,
  task: Glance | undefined,
  {
    alive,
    ended,
    exitCode,
    managed,
  }: { readonly alive: boolean; readonly ended: boolean; readonly exitCode: number; readonly managed: boolean },
): ContainerState {
  if (alive) return task?.status === 'running' ? 'running' : 'paused';
  if (!ended) return task?.status === 'stopped' ? 'exited' : 'created';
  // What the monitor is about to start is on its way up again.
  const present = { status: task === undefined ? 'absent' : 'stopped', exitStatus: exitCode };
  return changeFor(labels, present, { managed, beginning: false }) === 'start' ? 'restarting' : 'exited';
}

/** Another tool's name for it: of containerd's nerdctl, or what the kubelet wrote. */
function nameOf({ labels }: Container): string {
  const name = labels['nerdctl/name'];
  if (name !== undefined) return name;
  const pod = labels['io.kubernetes.pod.name'];
  if (pod === undefined) return '';
  const inner = labels['io.kubernetes.container.name'];
  return `k8s://${labels['io.kubernetes.pod.namespace'] ?? ''}/${pod}${inner === undefined ? '' : `/${inner}`}`;
}

function textIn(config: Readonly<Record<string, unknown>> | undefined, key: string): string | undefined {
  const value = config?.[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const wordsIn = (config: Readonly<Record<string, unknown>>, key: string): readonly string[] => {
  const value = config[key];
  return Array.isArray(value) ? value.map(String) : [];
};

/** From the settings where they are there: the spec is long. */
function argumentsOf(container: Container, settings: ContainerSettings | undefined): readonly string[] {
  const words =
    settings === undefined ? [] : [...wordsIn(settings.config, 'Entrypoint'), ...wordsIn(settings.config, 'Cmd')];
  return words.length > 0 ? words : specArgs(container);
}

function labelsOf(container: Container, settings: ContainerSettings | undefined): Readonly<Record<string, string>> {
  const asked = settings?.config.Labels;
  if (typeof asked === 'object' && asked !== null) return asked as Readonly<Record<string, string>>;
  return settings === undefined ? container.labels : {};
}

function healthOf({ labels }: Container): HealthStatus {
  try {
    const { Status: status } = JSON.parse(labels[healthStateLabel] ?? '{}') as { readonly Status?: unknown };
    return status === 'healthy' || status === 'unhealthy' ? status : 'starting';
  } catch {
    return 'starting'; // a label that another wrote
  }
}

async function portsOf({ stateDir, network, config }: ContainerSettings): Promise<readonly PortMapping[]> {
  const published = network.ports.length === 0 ? [] : (await readNetworkState(stateDir)).ports;
  const exposed = Object.keys((config.ExposedPorts ?? {}) as object).flatMap((port) => {
    const [number, protocol = 'tcp'] = port.split('/');
    const one = {
      hostIp: '',
      hostPort: 0,
      containerPort: Number(number),
      protocol: protocol as PortMapping['protocol'],
    };
    const known = published.some((each) => each.containerPort === one.containerPort && each.protocol === one.protocol);
    return known || network.mode === 'host' ? [] : [one];
  });
  return [...published, ...exposed];
}
