import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from '#api/grpc/health/v1/health_pb';
import { abortable } from '#base/cancellation';
import { notFound } from '#base/errors';
import { defineService, type Service } from '../service.ts';

/** The health service: the daemon as a whole (the empty name) serves for as long as it answers. */
export function serveHealth(): Service {
  return defineService(Health, {
    check: async ({ service }) => {
      if (service !== '') throw notFound(`service ${JSON.stringify(service)}`);
      return { status: ServingStatus.SERVING };
    },
    watch: async function* ({ service }, { signal }) {
      yield { status: service === '' ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN };
      // Nothing changes until the call ends.
      await abortable(Promise.withResolvers<never>().promise, signal);
    },
  });
}
