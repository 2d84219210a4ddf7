import { type ErrorClass, type Fault, fault, phrases } from '#base/errors';

/** gRPC's status codes for the classes of errors; ttrpc and HTTP/2 gRPC share them. This is the only such table. */
const codes = {
  canceled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  conflict: 9,
  not_modified: 9,
  aborted: 10,
  out_of_range: 11,
  not_implemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
} as const satisfies Record<ErrorClass, number>;

export const grpcCodeOf = (cls: ErrorClass): number => codes[cls];

/** The class that a status stands for: `conflict` and `not_modified` have no code of their own and are told by the end of the message. */
export function classOfStatus(code: number, message: string): ErrorClass {
  if (code === codes.failed_precondition) {
    if (message.endsWith(phrases.conflict)) return 'conflict';
    if (message.endsWith(phrases.not_modified)) return 'not_modified';
  }
  return classes.get(code) ?? 'unknown';
}

/** The error that a status stands for; its message ends with the phrase of its class, whether the sender put it there or not. */
export const faultOfStatus = (code: number, message: string): Fault => fault(classOfStatus(code, message), message);

const classes: ReadonlyMap<number, ErrorClass> = new Map(
  (Object.keys(codes) as ErrorClass[])
    .filter((cls) => cls !== 'conflict' && cls !== 'not_modified')
    .map((cls) => [codes[cls], cls]),
);
