import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault } from '#base/errors';
import { replaceFile } from './lifecycle-file.ts';

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** docker's `State.Health`. */
export interface HealthState {
  readonly Status: HealthStatus;
  readonly FailingStreak: number;
  /** The last five probes, the oldest first. */
  readonly Log: readonly HealthResult[];
}

export interface HealthResult {
  readonly Start: string;
  readonly End: string;
  /** 0 healthy, -1 when the probe did not end in time, or could not be run. */
  readonly ExitCode: number;
  readonly Output: string;
}

/** The label that shows the same in short: `{"Status","FailingStreak","InStartPeriod"}`. */
export const healthStateLabel = 'nerdctl/healthstate';

export const keptResults = 5;

const pathIn = (stateDir: string): string => join(stateDir, 'health.json');

/** Of a container that has been probed, or will be; else undefined. */
export async function readHealth(stateDir: string): Promise<HealthState | undefined> {
  try {
    const found: unknown = JSON.parse(await readFile(pathIn(stateDir), 'utf8'));
    return isHealth(found) ? found : undefined;
  } catch (thrown) {
    if (isFault(thrown, 'not_found') || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

export const writeHealth = (stateDir: string, health: HealthState): Promise<void> =>
  replaceFile(pathIn(stateDir), health);

function isHealth(value: unknown): value is HealthState {
  if (typeof value !== 'object' || value === null) return false;
  const { Status, FailingStreak, Log } = value as Partial<Record<keyof HealthState, unknown>>;
  return typeof Status === 'string' && typeof FailingStreak === 'number' && Array.isArray(Log);
}
