import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from '#api/grpc/health/v1/health_pb';
import { isFault } from '#base/errors';
import { type CallOptions, clientOf } from '../grpc-client.ts';
import type { Transport } from '../transport.ts';

/** Whether a daemon answers and says that it serves. Throws only what is neither answer nor absence. */
export async function isServing(transport: Transport, options?: CallOptions): Promise<boolean> {
  try {
    return (await clientOf(Health, transport).check({ service: '' }, options)).status === ServingStatus.SERVING;
  } catch (thrown) {
    if (isFault(thrown, 'unavailable')) return false;
    throw thrown;
  }
}
