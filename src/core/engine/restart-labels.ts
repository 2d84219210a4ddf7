/** The labels by which clients say what is to become of a container's task, and by which the monitor counts. They are containerd's. */
export const restartLabels = {
  /** `running` or `stopped`; anything else is no wish. */
  status: 'containerd.io/restart.status',
  policy: 'containerd.io/restart.policy',
  logUri: 'containerd.io/restart.loguri',
  count: 'containerd.io/restart.count',
  explicitlyStopped: 'containerd.io/restart.explicitly-stopped',
} as const;
