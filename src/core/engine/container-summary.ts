import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Scope } from '#core/scope';
import type { MountPoint, NetworkAttachment, PortMapping } from './container-settings.ts';
import type { HealthStatus } from './health-file.ts';

/** docker's states of a container. */
export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

/** What lists show of a container: plain data, which goes over the wire as JSON. */
export interface ContainerSummary {
  readonly id: string;
  /** Empty for one that nobody named. */
  readonly name: string;
  /** As it was asked for. */
  readonly image: string;
  /** The name that its record has. */
  readonly imageName: string;
  /** Program and arguments, as docker writes them in a line. */
  readonly command: string;
  readonly createdAt: Timestamp;
  /** The user's and the image's, without what tools write there for themselves. */
  readonly labels: Labels;
  /** All that its record has. */
  readonly recordLabels: Labels;
  readonly state: ContainerState;
  readonly pid: number;
  readonly exitCode: number;
  /** RFC 3339; empty when it never was, or when nobody knows. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Of one that is probed. */
  readonly health?: HealthStatus;
  /** Those that are published now; an exposed one has a host port of 0. */
  readonly ports: readonly PortMapping[];
  readonly mounts: readonly MountPoint[];
  readonly networkMode: string;
  readonly attachments: readonly NetworkAttachment[];
  readonly anonymousVolumes: readonly string[];
  readonly platform: string;
  readonly runtime: string;
  readonly snapshotter: string;
  readonly snapshotKey: string;
}

/** Who has all summaries of a namespace at hand: a daemon of ours. */
export interface ContainerSummaries {
  /** All containers, in order of id. @throws not_implemented where the daemon is another's */
  list(scope: Scope): Promise<readonly ContainerSummary[]>;
}
