import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import type { Mount } from '#core/mount';
import { type Slot, slot } from '#core/plugin/slot';
import type { Metric } from '#core/runtime/tasks';
import type { Scope } from '#core/scope';
import type { Platform } from '#lib/platform';
import type { NewSandbox } from './sandboxes.ts';

/** Where the tasks of a sandbox's containers are served. */
export interface TaskEndpoint {
  /** `ttrpc+unix:///run/containerd/s/…` */
  readonly address: string;
  /** Of the task service. */
  readonly version: number;
}

export interface CreateSandboxOptions {
  readonly rootfs: readonly Mount[];
  /** For the sandbox itself: a kubelet's PodSandboxConfig, for example. The runtime's own options are in the record. */
  readonly options?: Any;
  readonly netnsPath: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface SandboxInstance {
  /** 0 where no process stands for it. */
  readonly pid: number;
  readonly createdAt?: Timestamp;
  readonly labels: Readonly<Record<string, string>>;
  readonly endpoint?: TaskEndpoint;
}

export interface SandboxStatus {
  readonly id: string;
  readonly pid: number;
  /** The sandbox's own word: `SANDBOX_READY`, `SANDBOX_NOTREADY`, or nothing. */
  readonly state: string;
  readonly info: Readonly<Record<string, string>>;
  readonly createdAt?: Timestamp;
  /** Absent while it runs. */
  readonly exitedAt?: Timestamp;
  readonly extra?: Any;
  readonly endpoint?: TaskEndpoint;
}

export interface SandboxExit {
  readonly exitStatus: number;
  readonly exitedAt?: Timestamp;
}

/**
 * Runs sandboxes. What it needs to know of one comes with `create`; whether there is a record is the caller's business.
 *
 * Each sandbox that was created ends once: by itself, by `stop`, by `shutdown`, or with what kept it. Subscribers hear of creation, start and end
 * (`/sandboxes/create`, `start`, `exit`), each once.
 */
export interface SandboxController {
  /** Prepares it; nothing is left of one whose making failed. @throws already_exists; invalid_argument; whatever the runtime says */
  create(scope: Scope, sandbox: NewSandbox, options: CreateSandboxOptions): Promise<void>;
  /** A start that fails takes the sandbox away. @throws not_found; whatever the runtime says */
  start(scope: Scope, id: string): Promise<SandboxInstance>;
  /** What its containers run on. @throws not_found */
  platform(scope: Scope, id: string): Promise<Platform>;
  /** Ends it, and what still runs in it; it stays, ended, until `shutdown`. Nothing happens to one that is not there. */
  stop(scope: Scope, id: string, timeoutSeconds?: number): Promise<void>;
  /** Settles when it has ended. @throws not_found */
  wait(scope: Scope, id: string): Promise<SandboxExit>;
  /** One that is not there has ended just now, and has no state. */
  status(scope: Scope, id: string, detail: 'brief' | 'verbose'): Promise<SandboxStatus>;
  /** Takes it away, ended or not, with everything it had. @throws not_found */
  shutdown(scope: Scope, id: string): Promise<void>;
  /** Figures of the sandbox as a whole, where it keeps any. @throws not_found */
  metrics(scope: Scope, id: string): Promise<SandboxMetric | undefined>;
  /** Tells it that its record has changed in these fields; what it makes of that is its own business. @throws not_found */
  update(scope: Scope, id: string, sandbox: NewSandbox, fields: readonly string[]): Promise<void>;
}

/** A reading of which the data may be absent: a sandbox that is no more than a shim has no figures of its own. */
export type SandboxMetric = Omit<Metric, 'data'> & { readonly data?: Any };

/** By id: what containers and sandboxes call the sandboxer. */
export const SandboxController: Slot<SandboxController> = slot('io.containerd.sandbox.controller.v1');

/** Who runs a sandbox where nobody has said otherwise. */
export const defaultSandboxer = 'shim';
/** A namespace's label that says otherwise. */
export const sandboxerLabel = 'containerd.io/defaults/sandboxer';
