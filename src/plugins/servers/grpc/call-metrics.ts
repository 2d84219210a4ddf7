import type { Metrics } from '#base/metrics';
import type { CallInfo, CallObserver } from '#rpc/call';

/** gRPC's codes by number, in the words that monitoring knows them by. */
const codes = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;

/** Counts calls under the names that the Go servers of gRPC give them. */
export function callMetrics(metrics: Metrics, histogram: boolean): CallObserver {
  const labels = ['grpc_type', 'grpc_service', 'grpc_method'];
  const started = metrics.counter('grpc_server_started_total', 'Calls started on the server.', labels);
  const handled = metrics.counter('grpc_server_handled_total', 'Calls completed on the server, by outcome.', [
    ...labels,
    'grpc_code',
  ]);
  const received = metrics.counter('grpc_server_msg_received_total', 'Messages received from clients.', labels);
  const sent = metrics.counter('grpc_server_msg_sent_total', 'Messages sent to clients.', labels);
  const seconds = histogram
    ? metrics.histogram('grpc_server_handling_seconds', 'Duration of calls on the server.', labels)
    : undefined;
  const labelsOf = ({ kind, service, method }: CallInfo) => [kind, service, method] as const;
  return {
    started: (call) => started.add(1, ...labelsOf(call)),
    ended(call, code) {
      const values = labelsOf(call);
      handled.add(1, ...values, codes[code] ?? 'Unknown');
      received.add(call.received, ...values);
      sent.add(call.sent, ...values);
      seconds?.observe((performance.now() - call.startedAtMs) / 1000, ...values);
    },
  };
}
