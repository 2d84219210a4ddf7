import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';
import { type Slot, slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';

/** What containers may share, a pod or a virtual machine, apart from whether it runs: metadata only. */
export interface Sandbox {
  readonly id: string;
  readonly labels: Labels;
  readonly runtime: { readonly name: string; readonly options?: Any };
  readonly spec?: Any;
  /** The controller that runs it: `shim`, or another by name; empty where its maker did not say. */
  readonly sandboxer: string;
  readonly extensions: Readonly<Record<string, Any>>;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}
export type NewSandbox = Omit<Sandbox, 'createdAt' | 'updatedAt'>;

/** Records of sandboxes. Nothing here starts or stops one: that is `SandboxController`. */
export interface SandboxStore {
  /** @throws not_found */
  get(scope: Scope, id: string): Promise<Sandbox>;
  /** Sandboxes that match any of the filters (id, labels.*), in order of id. */
  list(scope: Scope, filters?: readonly string[]): Promise<readonly Sandbox[]>;
  /** Payloads are kept byte for byte. @throws invalid_argument for a bad id, or an extension without a name; already_exists */
  create(scope: Scope, sandbox: NewSandbox): Promise<Sandbox>;
  /**
   * Changes `fields` (labels, labels.<k>, extensions, extensions.<k>, spec, runtime); without fields all of those.
   * @throws not_found; invalid_argument for another field, or, without fields, another runtime name
   */
  update(scope: Scope, sandbox: NewSandbox, fields?: readonly string[]): Promise<Sandbox>;
  /** Only the record: what runs goes on. @throws not_found */
  delete(scope: Scope, id: string): Promise<void>;
}

/** Id `local`. */
export const SandboxStore: Slot<SandboxStore> = slot('io.containerd.sandbox.store.v1');
