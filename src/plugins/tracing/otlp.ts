import { abortable } from '#base/cancellation';
import { definePlugin, SkipPlugin } from '#core/plugin/plugin';
import { TracingProcessor } from '#core/tracing/processor';

/**
 * Sends spans by OTLP, as the standard variables of OpenTelemetry say: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
 * turn it on; protocol, headers, certificates, compression, sampling, batches and the service's name have theirs.
 */
export default definePlugin({
  slot: TracingProcessor,
  id: 'otlp',
  async start({ daemon, log }) {
    const { env } = process;
    if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') throw new SkipPlugin('OTEL_SDK_DISABLED is true');
    if (!env.OTEL_EXPORTER_OTLP_ENDPOINT && !env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
      throw new SkipPlugin('no OpenTelemetry endpoint: OTEL_EXPORTER_OTLP_ENDPOINT is not set');
    // Only who traces pays for the libraries.
    const { openTelemetry } = await import('./open-telemetry.ts');
    const exporting = await openTelemetry({ version: daemon.version, protocol: protocolOf(env) });
    log.info('tracing', { protocol: protocolOf(env) });
    return {
      tracer: exporting.tracer,
      async [Symbol.asyncDispose]() {
        try {
          const sent = Promise.resolve(exporting[Symbol.asyncDispose]());
          await abortable(sent, AbortSignal.timeout(lastSpansMs));
        } catch (error) {
          log.warn('the last spans were not sent', { error });
        }
      },
    };
  },
});

/** How long the daemon's end waits for a collector, which may be away. */
const lastSpansMs = 3_000;

const protocolOf = (env: NodeJS.ProcessEnv): string =>
  env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf';
