/**
 * The one kind of error that crosses Berth's layers.
 *
 * A class tells the caller what to do next, not what went wrong inside; detail goes into the text and into `cause`.
 * The message always ends with the phrase of its class, because Go clients recognise some classes only by that ending.
 */

/** What the caller may do about it: containerd's sixteen classes, and the two ways a call is cut short. */
export type ErrorClass = keyof typeof phrases;

/** Class → the words that end its messages (containerd's own, so that clients can match them). */
export const phrases = {
  unknown: 'unknown',
  invalid_argument: 'invalid argument',
  not_found: 'not found',
  already_exists: 'already exists',
  permission_denied: 'permission denied',
  resource_exhausted: 'resource exhausted',
  failed_precondition: 'failed precondition',
  conflict: 'conflict',
  not_modified: 'not modified',
  aborted: 'aborted',
  out_of_range: 'out of range',
  not_implemented: 'not implemented',
  internal: 'internal',
  unavailable: 'unavailable',
  data_loss: 'data loss',
  unauthenticated: 'unauthorized',
  canceled: 'context canceled',
  deadline_exceeded: 'context deadline exceeded',
} as const;

const brand = Symbol.for('berth.fault');

export class Fault extends Error {
  readonly class: ErrorClass;
  readonly [brand] = true;

  constructor(cls: ErrorClass, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Fault';
    this.class = cls;
  }

  /** Two copies of this module (an out-of-tree plugin brings its own) agree on what a fault is. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Makes a fault whose message is `subject: phrase`, or the phrase alone. */
export function fault(cls: ErrorClass, subject?: string, cause?: unknown): Fault {
  const phrase = phrases[cls];
  const message =
    subject === undefined || subject === '' ? phrase : endsWith(subject, phrase) ? subject : `${subject}: ${phrase}`;
  return new Fault(cls, message, cause);
}

export const notFound = (subject: string, cause?: unknown) => fault('not_found', subject, cause);
export const alreadyExists = (subject: string, cause?: unknown) => fault('already_exists', subject, cause);
export const invalidArgument = (subject: string, cause?: unknown) => fault('invalid_argument', subject, cause);
export const failedPrecondition = (subject: string, cause?: unknown) => fault('failed_precondition', subject, cause);
export const notImplemented = (subject: string, cause?: unknown) => fault('not_implemented', subject, cause);
export const unavailable = (subject: string, cause?: unknown) => fault('unavailable', subject, cause);
export const outOfRange = (subject: string, cause?: unknown) => fault('out_of_range', subject, cause);
export const internal = (subject: string, cause?: unknown) => fault('internal', subject, cause);
export const dataLoss = (subject: string, cause?: unknown) => fault('data_loss', subject, cause);

/** Puts a subject before what was thrown: same class, whole text, the original as `cause`. */
export function wrap(thrown: unknown, subject: string): Fault {
  return fault(classOf(thrown), `${subject}: ${messageOf(thrown)}`, thrown);
}

/** The class of anything that was thrown: a fault's own, a cut-short call, or what an errno means; else `unknown`. */
export function classOf(thrown: unknown): ErrorClass {
  if (thrown instanceof Fault) return thrown.class;
  if (!(thrown instanceof Error)) return 'unknown';
  if (thrown.name === 'AbortError') return thrown.cause instanceof Fault ? thrown.cause.class : 'canceled';
  if (thrown.name === 'TimeoutError') return 'deadline_exceeded';
  const code = (thrown as NodeJS.ErrnoException).code;
  if (code !== undefined && code in errnoClasses) return errnoClasses[code as keyof typeof errnoClasses];
  return thrown.cause instanceof Fault ? thrown.cause.class : 'unknown';
}

/** True when `thrown` is of that class. */
export const isFault = (thrown: unknown, cls: ErrorClass): boolean => classOf(thrown) === cls;

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

const errnoClasses = {
  ENOENT: 'not_found',
  EEXIST: 'already_exists',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  ENOSPC: 'resource_exhausted',
  SQLITE_FULL: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EMFILE: 'resource_exhausted',
  ENFILE: 'resource_exhausted',
  ENOMEM: 'resource_exhausted',
  EINVAL: 'invalid_argument',
  ENAMETOOLONG: 'invalid_argument',
  ETIMEDOUT: 'deadline_exceeded',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  EPIPE: 'unavailable',
} as const satisfies Record<string, ErrorClass>;

function endsWith(subject: string, phrase: string): boolean {
  return subject === phrase || subject.endsWith(`: ${phrase}`);
}
