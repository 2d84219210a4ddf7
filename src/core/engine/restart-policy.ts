import type { Labels } from '#core/labels';
import { restartLabels } from './restart-labels.ts';

/** How the task is now; `absent` when there is none. */
export interface Present {
  readonly status: string;
  readonly exitStatus: number;
}

/** What is to be done so that the container is as its labels want it. */
export type Change = 'start' | 'stop' | 'none';

/** Besides labels and state. */
export interface Circumstances {
  /** It has settings of ours: what its user stopped is not started, whatever the policy. Else only `unless-stopped` asks. */
  readonly managed: boolean;
  /** The daemon has just begun: `always` then means it, as docker has it. */
  readonly beginning: boolean;
}

/** Decides by labels and state. A policy that nobody knows does nothing. */
export function changeFor(
  labels: Labels,
  present: Present,
  circumstances: Circumstances = { managed: false, beginning: false },
): Change {
  const wanted = labels[restartLabels.status];
  if (wanted === 'stopped') return ['stopped', 'absent'].includes(present.status) ? 'none' : 'stop';
  if (wanted !== 'running' || !['stopped', 'absent'].includes(present.status)) return 'none';
  if (isLeftAlone(labels, circumstances)) return 'none';
  return mayRestart(labels, present) ? 'start' : 'none';
}

function isLeftAlone(labels: Labels, { managed, beginning }: Circumstances): boolean {
  if (!managed || labels[restartLabels.explicitlyStopped] !== 'true') return false;
  return !(beginning && labels[restartLabels.policy] === 'always');
}

/** Whether a start that is under way is not wanted any more: the user has stopped it meanwhile. */
export const isRevoked = (labels: Labels, { managed }: Circumstances): boolean =>
  labels[restartLabels.status] !== 'running' ||
  ((managed || labels[restartLabels.policy] === 'unless-stopped') &&
    labels[restartLabels.explicitlyStopped] === 'true');

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
