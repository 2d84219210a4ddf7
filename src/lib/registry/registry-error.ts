import { type ErrorClass, Fault, phrases } from '#base/errors';

/** An answer of a registry that is none of those hoped for. Holds no credentials: URLs in its text lack user and query. */
export class RegistryError extends Fault {
  /** HTTP status. */
  readonly status: number;
  /** `host[:port]` of the one who answered. */
  readonly host: string;

  constructor(status: number, host: string, text: string) {
    const cls = classOfStatus(status);
    super(cls, `${text}: ${phrases[cls]}`);
    this.name = 'RegistryError';
    this.status = status;
    this.host = host;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Fault && 'status' in value && 'host' in value;
  }
}

/** How far a failed exchange came: `dial` never reached the server (so nobody retries), `lost` broke off later. */
export type FailureStage = 'dial' | 'lost';

/** A failure below HTTP: no connection, a broken one, or a peer that fell silent. */
export class ConnectionError extends Fault {
  readonly stage: FailureStage;

  constructor(stage: FailureStage, text: string, cause?: unknown) {
    super('unavailable', `${text}: ${phrases.unavailable}`, cause);
    this.name = 'ConnectionError';
    this.stage = stage;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Fault && 'stage' in value;
  }
}

/** The URL as it may appear in errors and logs: signed URLs carry secrets in the query, some users write them before the host. */
export function redact(url: URL): string {
  const query = url.search === '' ? '' : '?[redacted]';
  return `${url.protocol}//${url.host}${url.pathname}${query}`;
}

function classOfStatus(status: number): ErrorClass {
  const known = statusClasses[status];
  if (known !== undefined) return known;
  return status >= 500 ? 'unavailable' : 'unknown';
}

const statusClasses: Readonly<Record<number, ErrorClass>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  405: 'not_implemented',
  408: 'deadline_exceeded',
  409: 'conflict',
  412: 'failed_precondition',
  416: 'out_of_range',
  429: 'resource_exhausted',
  501: 'not_implemented',
};
