import { failedPrecondition } from '#base/errors';
import type { EngineConfig } from '#ops/engine';

/** For what may change yet, and those may not want who said `--experimental=false`. @throws failed_precondition */
export function requireExperimental({ experimental }: Pick<EngineConfig, 'experimental'>, what: string): void {
  if (!experimental) throw failedPrecondition(`${what} is an experimental feature, and --experimental=false was given`);
}
