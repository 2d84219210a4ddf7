import { sleep } from '#base/cancellation';
import { ConnectionError } from './registry-error.ts';

export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

export const defaultRetry: RetryPolicy = { attempts: 5, baseDelayMs: 100, maxDelayMs: 10_000 };

const longestRetryAfterMs = 60_000;

/** Statuses that say "not now" rather than "no". */
export const isPassing = (status: number): boolean =>
  status === 408 || status === 429 || status === 500 || status === 502 || status === 503 || status === 504;

/** True when the connection broke in a way that another attempt may not meet again. */
export const isLost = (error: unknown): boolean => error instanceof ConnectionError && error.stage === 'lost';

/** Waits before attempt number `next` (2, 3, …): twice as long each time, with jitter, or as long as the server asked for. */
export async function pause(
  policy: RetryPolicy,
  next: number,
  signal: AbortSignal,
  retryAfter?: string | undefined,
): Promise<void> {
  const asked = parseRetryAfter(retryAfter);
  const grown = Math.min(policy.baseDelayMs * 2 ** (next - 2), policy.maxDelayMs);
  await sleep(asked ?? grown * (0.5 + Math.random() / 2), signal);
}

function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestRetryAfterMs);
}
