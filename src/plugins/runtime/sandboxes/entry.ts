import { classOf } from '#base/errors';
import { failpoint } from '#base/failpoints';
import type { Timestamp } from '#base/timestamp';
import type { SandboxExit } from '#core/sandboxes/controller';
import type { SandboxEvents } from '#rpc/sandboxes/events';
import { type Bundle, readBundleFile, writeBundleFile } from '../bundle.ts';
import type { ShimHost } from '../environment.ts';
import type { Shim } from '../shim.ts';

export interface SandboxStart {
  readonly pid: number;
  readonly at: Timestamp;
}

/** A sandbox that has a shim, and what the daemon knows of it. */
export interface SandboxEntry {
  readonly namespace: string;
  readonly id: string;
  readonly shim: Shim;
  /** What its start has said. */
  start?: SandboxStart;
  /** A start that is under way. */
  starting?: Promise<void>;
  /** Its shim was told to stop it, and said yes. */
  stopped: boolean;
  /** Its shim keeps no account of its end: what was asked of it is all that there is to know. */
  silent: boolean;
  exit?: SandboxExit;
  /** Settles with `exit`. */
  readonly ended: PromiseWithResolvers<SandboxExit>;
  /** A connection that ends now is no accident. */
  leaving: boolean;
  /** What takes it away, once that has begun. */
  removal?: Promise<void>;
}

/** What the parts of the controller share. */
export interface SandboxEnvironment extends ShimHost {
  readonly sandboxes: Map<string, SandboxEntry>;
  readonly events: SandboxEvents;
}

// A slash stands in neither: both are identifiers.
export const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`;

export function newEntry(shim: Shim): SandboxEntry {
  const { namespace, id } = shim.bundle;
  const ended = Promise.withResolvers<SandboxExit>();
  return { namespace, id, shim, stopped: false, silent: false, ended, leaving: false };
}

/** The files in a sandbox's bundle that tell a later daemon how far it has come. */
export const notes = {
  /** Its creation was acknowledged. */
  created: 'created',
  /** What its start has said. */
  started: 'started',
  /** How it ended; subscribers have heard of it. */
  exited: 'exited',
} as const;

/** Ends the sandbox for who waits and who listens; only the first word counts. */
export async function finish(env: SandboxEnvironment, entry: SandboxEntry, exit: SandboxExit): Promise<void> {
  if (entry.exit !== undefined) return;
  entry.exit = exit;
  entry.ended.resolve(exit);
  await tellEnd(env, entry.shim.bundle, exit);
}

/** Tells subscribers, and notes that they were told. */
export async function tellEnd(env: SandboxEnvironment, bundle: Bundle, exit: SandboxExit): Promise<void> {
  const { namespace, id } = bundle;
  await env.events.exited(namespace, id, exit);
  await failpoint?.('sandbox.told');
  await note(bundle, notes.exited, exit).catch((error: unknown) => {
    // Without a bundle nothing will tell it again.
    if (classOf(error) !== 'not_found')
      env.log.warn('the end of a sandbox could not be noted', { id, namespace, error });
  });
}

export const note = (bundle: Bundle, name: string, value: unknown): Promise<void> =>
  writeBundleFile(bundle, name, JSON.stringify(value));

/** What was noted; `undefined` for nothing, and for what a crash left half written. */
export async function noted(bundle: Bundle, name: string): Promise<unknown> {
  const text = await readBundleFile(bundle, name);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined; // the daemon died while it wrote: nobody has been told
  }
}
