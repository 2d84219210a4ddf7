import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Mount } from '#core/mount';
import { type Slot, slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';

/**
 * Makes the mounts that neither the kernel nor a shim can make as they are: of types with a handler (`loop`), and with something
 * to be done first (`mkfs/`, `mkdir/`, `format/` before the type). What was made outlives the daemon; it goes with `deactivate`, or at a collection
 * when neither its lease nor what its `containerd.io/gc.bref.…` labels name is there any more.
 */
export interface MountManager {
  /**
   * Makes the first of these mounts, as far as there is something to do, and answers with what is left to the caller. All or nothing.
   * @throws not_implemented when there is nothing to do: the mounts can be made as they are; already_exists; not_found for the
   *   scope's lease; invalid_argument; what the kernel says
   */
  activate(scope: Scope, name: string, mounts: readonly Mount[], options?: ActivateOptions): Promise<Activation>;
  /** @throws not_found; failed_precondition while something uses one of the mounts, which stays then */
  deactivate(scope: Scope, name: string): Promise<void>;
  /** @throws not_found */
  info(scope: Scope, name: string): Promise<Activation>;
  /** Changes `fields` (labels, labels.<k>); without fields all labels. @throws not_found; invalid_argument */
  update(scope: Scope, change: Pick<Activation, 'name' | 'labels'>, fields?: readonly string[]): Promise<Activation>;
  /** Those that match any of the filters (name, labels.*), in order of name. */
  list(scope: Scope, filters?: readonly string[]): Promise<readonly Activation[]>;
}

/** The manager within the daemon. */
export interface LocalMountManager extends MountManager {
  /** Whether `activate` would find something to do for a caller that does all by himself that he can be told to do. Costs nothing. */
  wants(mounts: readonly Mount[]): boolean;
  /** Makes the mounts for as long as `use` runs, if they need it; otherwise `use` gets them as they are. No collection takes them meanwhile. */
  during<T>(scope: Scope, mounts: readonly Mount[], use: (mounts: readonly Mount[]) => Promise<T>): Promise<T>;
  /** Takes an activation down whatever uses it: it leaves the tree of mounts at once. Resolves also when there is none. */
  release(scope: Scope, name: string): Promise<void>;
}
export const MountManager: Slot<LocalMountManager> = slot('io.containerd.mount-manager.v1');

export interface ActivateOptions {
  readonly labels?: Labels;
  /** Make all of the mounts, and leave a bind of the last one. */
  readonly temporary?: boolean;
  /** What the caller does himself: a type (`loop`, `mkfs/ext4`), or a word before types (`format/*`). */
  readonly callerDoes?: readonly string[];
}

export interface Activation {
  readonly name: string;
  readonly active: readonly ActiveMount[];
  /** For the caller to mount, in order. */
  readonly system: readonly Mount[];
  readonly labels: Labels;
}

export interface ActiveMount {
  /** As it was made, after what was to be done first. */
  readonly mount: Mount;
  readonly mountedAt: Timestamp;
  /** A directory; of a device, a link to it. */
  readonly mountPoint: string;
  /** What its handler has to say of it. */
  readonly data: Readonly<Record<string, string>>;
}

/** Makes mounts of one type, the plugin's id, that the kernel does not know. */
export interface MountHandler {
  /** Makes it at `target`, which does not exist yet, in a directory that does. Undoes what it did when it fails. @throws what keeps it from being made */
  mount(mount: Mount, target: string, before: readonly ActiveMount[]): Promise<Readonly<Record<string, string>>>;
  /** Takes it down, `target` included. Resolves also when it is gone already, or was never there; looks twice before it touches what may be another's by now. */
  unmount(made: Pick<ActiveMount, 'mountPoint' | 'data'>): Promise<void>;
}
export const MountHandler: Slot<MountHandler> = slot('io.containerd.mount-handler.v1');
