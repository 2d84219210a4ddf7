import type { Labels } from '#core/labels';

/** The labels by which clients say what is to become of a container's task. */
export const restartLabels = {
  status: 'containerd.io/restart.status',
  policy: 'containerd.io/restart.policy',
  logUri: 'containerd.io/restart.loguri',
  count: 'containerd.io/restart.count',
  explicitlyStopped: 'containerd.io/restart.explicitly-stopped',
} as const;

/** How the task is now; `absent` when there is none. */
export interface Present {
  readonly status: string;
  readonly exitStatus: number;
}

/** What is to be done so that the container is as its labels want it. */
export type Change = 'start' | 'stop' | 'none';

/** Decides by labels and state. A policy that nobody knows does nothing. */
export function changeFor(labels: Labels, present: Present): Change {
  const wanted = labels[restartLabels.status];
  if (wanted === 'stopped') return ['stopped', 'absent'].includes(present.status) ? 'none' : 'stop';
  if (wanted !== 'running' || !['stopped', 'absent'].includes(present.status)) return 'none';
  return mayRestart(labels, present) ? 'start' : 'none';
}

/** How often the monitor has started it; a count that is none is 0. */
export function restartCount(labels: Labels): number {
  const count = Number(labels[restartLabels.count] ?? '0');
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

function mayRestart(labels: Labels, { exitStatus }: Present): boolean {
  const [policy = '', limit] = (labels[restartLabels.policy] ?? '').split(':');
  switch (policy) {
    case '':
    case 'always':
      return true;
    case 'unless-stopped':
      return labels[restartLabels.explicitlyStopped] !== 'true';
    case 'on-failure': {
      const most = Number(limit ?? '0');
      return exitStatus !== 0 && (!(most > 0) || restartCount(labels) < most);
    }
    default:
      return false;
  }
}
