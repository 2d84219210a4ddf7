import { text } from '../cli/flags.ts';

/** Which snapshotter, wherever there is a choice. */
export const snapshotterFlag = text('snapshotter name. Empty value stands for the default value.', {
  env: 'CONTAINERD_SNAPSHOTTER',
  completes: 'snapshotters',
});
