import type { ContainerSummary } from '#core/engine/container-summary';
import { humanDuration } from '#lib/units';

/** docker's STATUS: `Up 3 minutes (healthy)`, `Exited (0) 2 hours ago`. */
export function statusWords(
  { state, exitCode, startedAt, finishedAt, health }: ContainerSummary,
  nowMs = Date.now(),
): string {
  const since = (at: string): string => (at === '' ? '' : ` ${humanDuration(nowMs - Date.parse(at))}`);
  const ago = finishedAt === '' ? '' : `${since(finishedAt)} ago`;
  switch (state) {
    case 'running':
      return `Up${since(startedAt)}${health === undefined ? '' : ` (${health === 'starting' ? 'health: starting' : health})`}`;
    case 'paused':
      return `Up${since(startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${exitCode})${ago}`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'created':
      return 'Created';
    case 'exited':
      return `Exited (${exitCode})${ago}`;
  }
}
