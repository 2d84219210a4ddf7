import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  SpanKind as Kind,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  detectResources,
  envDetector,
  hostDetector,
  processDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { invalidArgument } from '#base/errors';
import type { Span, SpanAttributes, SpanKind, Tracer } from '#base/tracing';

/** Spans on their way out. Disposing it sends what was not sent yet. */
export interface Exporting extends AsyncDisposable {
  readonly tracer: Tracer;
}

/** @throws invalid_argument for a protocol that OTLP does not have */
export async function openTelemetry(options: {
  readonly version: string;
  readonly protocol: string;
}): Promise<Exporting> {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'containerd', 'service.version': options.version }).merge(
      detectResources({ detectors: [processDetector, hostDetector, envDetector] }), // OTEL_SERVICE_NAME wins
    ),
    spanProcessors: [new BatchSpanProcessor(await exporterFor(options.protocol))],
  });
  const tracer = provider.getTracer('berth', options.version);
  const begin = (name: string, kind: SpanKind, attributes: SpanAttributes, parent: Context): Span =>
    spanOf(tracer.startSpan(name, { kind: kinds[kind], attributes }, parent), begin);
  return {
    tracer: {
      begin: (name, kind, attributes, headers) =>
        begin(name, kind, attributes, propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)),
    },
    [Symbol.asyncDispose]: () => provider.shutdown(),
  };
}

const propagator = new W3CTraceContextPropagator();
const kinds = { server: Kind.SERVER, client: Kind.CLIENT, internal: Kind.INTERNAL } as const;

async function exporterFor(protocol: string): Promise<SpanExporter> {
  switch (protocol) {
    case 'http/protobuf':
      return new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter();
    case 'http/json':
      return new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter();
    case 'grpc':
      return new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter();
    default:
      throw invalidArgument(`OTEL_EXPORTER_OTLP_PROTOCOL: ${protocol}: wanted http/protobuf, http/json or grpc`);
  }
}

type Begin = (name: string, kind: SpanKind, attributes: SpanAttributes, parent: Context) => Span;

function spanOf(span: OtelSpan, begin: Begin): Span {
  const context = trace.setSpan(ROOT_CONTEXT, span);
  return {
    get headers() {
      const headers: Record<string, string> = {};
      propagator.inject(context, headers, defaultTextMapSetter);
      return headers;
    },
    begin: (name, kind = 'internal', attributes = {}) => begin(name, kind, attributes, context),
    set: (attributes) => void span.setAttributes(attributes),
    fail: (message) => void span.setStatus({ code: SpanStatusCode.ERROR, message }),
    [Symbol.dispose]: () => span.end(),
  };
}
