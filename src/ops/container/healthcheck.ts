import type { Container } from '#core/containers/containers';
import { healthPlugin, packProbeRequest } from '#core/engine/health-event';
import type { HealthResult } from '#core/engine/health-file';
import type { Engine } from '../engine.ts';

/** Has the daemon probe a container at once, besides the times at which it does. @throws failed_precondition where it does not run, or has no health check */
export async function checkHealth({ client, scope }: Engine, { id }: Container): Promise<HealthResult> {
  const question = packProbeRequest({ namespace: scope.namespace, id });
  const { extra } = await client.introspection.plugin(healthPlugin.type, healthPlugin.id, question, scope.signal);
  return JSON.parse(Buffer.from(extra?.value ?? []).toString()) as HealthResult;
}
