import type { NetworkAttachment } from '#core/engine/container-settings';
import type { NetworkInterface } from '#core/engine/network-state';
import { type Slot, slot } from '#core/plugin/slot';
import type { TaskAttendant } from '#core/runtime/task-attendant';
import type { Scope } from '#core/scope';

/** Containers in networks. */
export interface Networks {
  /**
   * Puts a container into one more network: its settings, and where it runs at once, with the next interface.
   * @throws not_found for container or network; already_exists when it is in it; failed_precondition for one without networks of its own; what CNI plugins say
   */
  connect(scope: Scope, container: string, attachment: NetworkAttachment): Promise<void>;
  /** Takes it out again. @throws not_found, also when it is not in it */
  disconnect(scope: Scope, container: string, network: string): Promise<void>;
  /** Who is in which networks at this moment: running containers of the namespace, or one of them. */
  state(scope: Scope, container?: string): Promise<readonly ConnectedContainer[]>;
}

export interface ConnectedContainer {
  readonly id: string;
  readonly name: string;
  readonly interfaces: readonly NetworkInterface[];
}

/** What the daemon's own plugins see of it. */
export interface NetworksPlugin extends Networks {
  readonly attendant: TaskAttendant;
}

export const Networks: Slot<NetworksPlugin> = slot('io.berth.network.v1');
