import type { Any } from '#base/any';
import type { HealthStatus } from './health-file.ts';

/** What is published when a container's health has become another. */
export interface HealthEvent {
  readonly id: string;
  readonly status: HealthStatus;
}

export const healthTopic = '/containers/health';
const typeUrl = 'berth.engine.v1.ContainerHealth';

export const packHealthEvent = (event: HealthEvent): Any => ({ typeUrl, value: Buffer.from(JSON.stringify(event)) });

/** Undefined for what is none. */
export function unpackHealthEvent({ typeUrl: type, value }: Any): HealthEvent | undefined {
  if (type !== typeUrl) return undefined;
  try {
    const { id, status } = JSON.parse(Buffer.from(value).toString()) as Partial<HealthEvent>;
    return id === undefined || status === undefined ? undefined : { id, status };
  } catch {
    return undefined; // anybody may publish anything
  }
}

/** The plugin that probes, and the question by which it is asked to probe at once: the answer is a `HealthResult` as JSON. */
export const healthPlugin = { type: 'io.berth.engine.v1', id: 'health' } as const;
const questionUrl = 'berth.engine.v1.ProbeRequest';

export const packProbeRequest = (which: { readonly namespace: string; readonly id: string }): Any => ({
  typeUrl: questionUrl,
  value: Buffer.from(JSON.stringify(which)),
});

/** Undefined for what is none. */
export function unpackProbeRequest({
  typeUrl: type,
  value,
}: Any): { readonly namespace: string; readonly id: string } | undefined {
  if (type !== questionUrl) return undefined;
  try {
    const { namespace, id } = JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>;
    return typeof namespace === 'string' && typeof id === 'string' ? { namespace, id } : undefined;
  } catch {
    return undefined;
  }
}
