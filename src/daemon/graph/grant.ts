import { failedPrecondition, notFound, wrap } from '#base/errors';
import { type AnyPlugin, pluginName, SkipPlugin } from '#core/plugin/plugin';
import type { AnyNeed } from '#core/plugin/slot';

/** A plugin with its fate so far. */
export interface Node {
  readonly plugin: AnyPlugin;
  readonly status: 'waiting' | 'starting' | 'ok' | 'skip' | 'error' | 'stopped';
  readonly value?: unknown;
  readonly thrown?: unknown;
}

/**
 * What a plugin is given for one need.
 *
 * @throws SkipPlugin when what it cannot do without was skipped; the failure of what it cannot do without; not_found when there is no such plugin;
 * failed_precondition when several would do
 */
export function grant(need: AnyNeed, nodes: readonly Node[]): unknown {
  const candidates = nodes.filter(
    ({ plugin }) => plugin.uri === need.uri && (need.id === undefined || plugin.id === need.id),
  );
  const started = candidates.filter(({ status }) => status === 'ok');
  if (need.mode === 'every') return new Map(started.map(({ plugin, value }) => [plugin.id, value]));
  const [found, another] = started;
  if (another !== undefined) {
    const ids = started.map(({ plugin }) => plugin.id).join(', ');
    throw failedPrecondition(`several plugins fill ${need.uri} (${ids}) and the need names none`);
  }
  if (found !== undefined) return found.value;
  return need.mode === 'maybe' ? undefined : refuse(need, candidates);
}

function refuse(need: AnyNeed, candidates: readonly Node[]): never {
  const name = need.id === undefined ? need.uri : `${need.uri}.${need.id}`;
  const failed = candidates.find(({ status }) => status === 'error') ?? candidates[0];
  if (failed === undefined) throw notFound(`no plugin ${name}`);
  const subject = `needs ${pluginName(failed.plugin)}`;
  if (failed.thrown instanceof SkipPlugin) throw new SkipPlugin(`${subject}: ${failed.thrown.message}`);
  throw wrap(failed.thrown, subject);
}
