import { create } from '@bufbuild/protobuf';
import { type Status, StatusSchema } from '#api/google/rpc/status_pb';
import { classOf, Fault, fault, messageOf } from '#base/errors';
import { classOfStatus, grpcCodeOf } from '#lib/grpc-status';

/** How a call ended, in gRPC's terms; code 0 is success. */
export interface CallStatus {
  readonly code: number;
  readonly message: string;
}

// A status travels as an HTTP/2 header in which each byte may take three; receivers refuse headers of 16 to 64 KiB.
const maxMessage = 4096;

/**
 * The status that tells a client what was thrown: code by class, and the text, which for a fault ends with the phrase of its class.
 * A text too long for a header loses its middle.
 */
export function statusOf(thrown: unknown): CallStatus {
  const cls = classOf(thrown);
  const whole =
    thrown instanceof Fault || cls === 'unknown' ? messageOf(thrown) : fault(cls, messageOf(thrown)).message;
  return { code: grpcCodeOf(cls), message: shorten(whole.toWellFormed()) };
}

/** The error that a status stands for; its message ends with the phrase of its class, whether the sender put it there or not. */
export function faultFromStatus(code: number, message: string): Fault {
  return fault(classOfStatus(code, message), message);
}

/** What was thrown as google.rpc.Status, for ttrpc answers and for errors inside other messages. */
export function rpcStatusOf(thrown: unknown): Status {
  return create(StatusSchema, statusOf(thrown));
}

export function faultFromRpcStatus(status: Status): Fault {
  return faultFromStatus(status.code, status.message);
}

function shorten(message: string): string {
  if (message.length <= maxMessage) return message;
  const half = maxMessage / 2;
  return `${message.slice(0, half)} … ${message.slice(-half)}`.toWellFormed();
}
