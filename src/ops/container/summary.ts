import type { Timestamp } from '#base/timestamp';
import type { Container } from '#core/containers/containers';
import type { MountPoint, NetworkAttachment, PortMapping } from '#core/engine/container-settings';
import type { HealthStatus } from '#core/engine/health-file';

/** docker's states of a container. */
export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

/** What lists show of a container. */
export interface ContainerSummary {
  readonly container: Container;
  readonly id: string;
  /** Empty for one that nobody named. */
  readonly name: string;
  /** As it was asked for. */
  readonly image: string;
  /** Program and arguments, as docker writes them in a line. */
  readonly command: string;
  readonly createdAt: Timestamp;
  /** The user's and the image's, without what tools write there for themselves. */
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  readonly pid: number;
  readonly exitCode: number;
  /** Undefined when it never was, or when nobody knows. */
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  /** Of one that is probed. */
  readonly health: HealthStatus | undefined;
  /** Those that are published now; an exposed one has a host port of 0. */
  readonly ports: readonly PortMapping[];
  readonly mounts: readonly MountPoint[];
  readonly networkMode: string;
  readonly attachments: readonly NetworkAttachment[];
  readonly anonymousVolumes: readonly string[];
  readonly platform: string;
}
