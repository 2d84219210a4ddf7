import type { Metrics } from '#base/metrics';
import type { CallInfo, CallObserver } from '#rpc/call';
import type { Service } from '#rpc/service';

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

const kinds = { unary: 'unary', server_streaming: 'server_stream', bidi_streaming: 'bidi_stream' } as const;

/**
 * Counts calls under the names that the Go servers of gRPC give them. Methods of these services are there before they are called, with
 * zero: monitoring sees no first call otherwise.
 */
export function callMetrics(metrics: Metrics, histogram: boolean, services: Iterable<Service>): CallObserver {
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
  for (const { desc } of services) {
    for (const { methodKind, name } of desc.methods) {
      if (methodKind === 'client_streaming') continue; // no service has any
      const values = [kinds[methodKind], desc.typeName, name] as const;
      for (const counter of [started, received, sent]) counter.add(0, ...values);
      handled.add(0, ...values, 'OK');
    }
  }
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
