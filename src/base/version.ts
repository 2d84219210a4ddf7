/** What this program calls itself: to people, and to clients that choose their way by the version (see docs/decisions). */
export const berthVersion = {
  /** Berth's own. */
  own: '0.1.0',
  /** What the `Version` call answers: the newest line of containerd's API that is served whole. */
  version: '2.3.0+berth-0.1.0',
  revision: 'berth-0.1.0',
  runtime: `bun ${process.versions.bun ?? 'none'}`,
} as const;
