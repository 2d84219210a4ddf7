import type { Any } from '#base/any';
import { isFault, wrap } from '#base/errors';
import type { Labels } from '#core/labels';
import type { SandboxInstance } from '#core/sandboxes/controller';
import type { Sandbox } from '#core/sandboxes/sandboxes';
import type { Scope } from '#core/scope';
import type { Client } from './client.ts';

export interface NewSandbox {
  readonly id: string;
  readonly runtime: { readonly name: string; readonly options?: Any };
  /** Empty or absent: the namespace's or the daemon's default. */
  readonly sandboxer?: string;
  readonly spec?: Any;
  readonly labels?: Labels;
  readonly extensions?: Readonly<Record<string, Any>>;
  /** For the sandbox itself, handed on as it is. */
  readonly options?: Any;
  readonly netnsPath?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Records a sandbox and has it prepared; `startSandbox` runs it. Neither the record nor the sandbox stays when the other cannot be made.
 *
 * @throws already_exists; invalid_argument; whatever the runtime says
 */
export async function createSandbox(client: Client, scope: Scope, wanted: NewSandbox): Promise<Sandbox> {
  const { id, runtime, spec, labels = {}, extensions = {}, options, netnsPath = '', annotations = {} } = wanted;
  const sandboxer = await client.sandboxerName(scope, wanted.sandboxer ?? '');
  const record = { id, labels, runtime, sandboxer, extensions, ...(spec !== undefined && { spec }) };
  const sandbox = await client.sandboxes.create(scope, record);
  try {
    const given = { rootfs: [], netnsPath, annotations, ...(options !== undefined && { options }) };
    await client.sandboxController(sandboxer).create(scope, sandbox, given);
    return sandbox;
  } catch (thrown) {
    await client.sandboxes.delete(afterwards(scope), id);
    throw thrown;
  }
}

/** Runs it. A sandbox whose start fails is taken away, its record with it. @throws what the runtime says */
export async function startSandbox(client: Client, scope: Scope, { id, sandboxer }: Sandbox): Promise<SandboxInstance> {
  const controller = client.sandboxController(await client.sandboxerName(scope, sandboxer));
  try {
    return await controller.start(scope, id);
  } catch (thrown) {
    const after = afterwards(scope);
    await controller.shutdown(after, id).catch(unlessMissing);
    await client.sandboxes.delete(after, id);
    throw thrown;
  }
}

/** Takes a sandbox and its record away; that it does not run is no error. @throws what its runtime says; then the record stays */
export async function deleteSandbox(client: Client, scope: Scope, { id, sandboxer }: Sandbox): Promise<void> {
  const controller = client.sandboxController(await client.sandboxerName(scope, sandboxer));
  await controller.shutdown(scope, id).catch((thrown: unknown) => {
    if (!isFault(thrown, 'not_found')) throw wrap(thrown, 'failed to shutdown sandbox');
  });
  await client.sandboxes.delete(scope, id).catch(unlessMissing);
}

function unlessMissing(thrown: unknown): void {
  if (!isFault(thrown, 'not_found')) throw thrown;
}

/** The work may have been cut short: what it began must go all the same. */
const afterwards = (scope: Scope): Scope => ({ ...scope, signal: AbortSignal.timeout(10_000) });
