import { humanDuration } from '#lib/units';
import type { ContainerSummary } from '#ops/container/summary';

/** docker's STATUS: `Up 3 minutes (healthy)`, `Exited (0) 2 hours ago`. */
export function statusWords(
  { state, exitCode, startedAt, finishedAt, health }: ContainerSummary,
  nowMs = Date.now(),
): string {
  const since = (date: Date | undefined): string =>
    date === undefined ? '' : ` ${humanDuration(nowMs - date.getTime())}`;
  const ago = finishedAt === undefined ? '' : `${since(finishedAt)} ago`;
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
