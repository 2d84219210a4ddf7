import type { ErrorClass } from '#base/errors';
import { classOf, Fault, messageOf } from '#base/errors';
import type { LayerLimits } from '#core/diff/diff';

/** What the main thread tells the thread that inflates. The rest goes through the shared memory. */
export interface InflateJob {
  readonly shared: SharedArrayBuffer;
  /** Of a file that only grows; `Conveyor.arrived` says how far it may be read. Descriptors belong to all threads of a process. */
  readonly fd: number;
  readonly maxBytes: number;
  /** Whether it hashes, too, because no other thread does. */
  readonly hash: boolean;
}

/** Of the uncompressed tar. */
export interface InflateResult {
  readonly size: number;
  /** If it was to hash. */
  readonly digest: string | undefined;
}

export interface HashJob {
  readonly shared: SharedArrayBuffer;
}

export interface HashResult {
  readonly digest: string;
}

export interface UntarJob {
  readonly shared: SharedArrayBuffer;
  readonly root: string;
  readonly whiteouts: WhiteoutForm;
  /** Directories below, the nearest first, from which parents that the layer does not mention take their attributes. */
  readonly lowers: readonly string[];
  /** Refused where the layers below, which would say what such a directory is like, are not known. */
  readonly unmentionedParents: 'make' | 'refuse';
  readonly limits: LayerLimits;
}

/** Kept as overlayfs reads them (its attributes being `trusted.` or `user.`), or carried out: what they name is removed. */
export type WhiteoutForm = 'trusted' | 'user' | 'remove';

export interface UntarResult {
  readonly entries: number;
  /** Names of extended attributes that could not be kept, the first few of them. */
  readonly ignoredXattrs: readonly string[];
}

/** What a thread answers; `undefined` as value means that it was cancelled. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T | undefined }
  | { readonly ok: false; readonly class: ErrorClass; readonly message: string };

/** Runs a job and packs up how it went: a thread never throws. */
export function answerOf<T>(run: () => T | undefined): Answer<T> {
  try {
    return { ok: true, value: run() };
  } catch (thrown) {
    return { ok: false, class: classOf(thrown), message: messageOf(thrown) };
  }
}

export const faultOf = (answer: { readonly class: ErrorClass; readonly message: string }): Fault =>
  new Fault(answer.class, answer.message);
