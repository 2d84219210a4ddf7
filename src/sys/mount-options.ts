/** What the words of fstab mean to mount(2). */
export interface ParsedOptions {
  /** For the first call. */
  readonly flags: number;
  readonly bind: boolean;
  /** A call of its own each. */
  readonly propagation: readonly number[];
  /** What the filesystem itself must read, in the order given. */
  readonly data: readonly string[];
}

const ms = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  synchronous: 16,
  remount: 32,
  mandlock: 64,
  dirsync: 128,
  nosymfollow: 256,
  noatime: 1024,
  nodiratime: 2048,
  bind: 4096,
  rec: 16384,
  silent: 32768,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relatime: 1 << 21,
  strictatime: 1 << 24,
  lazytime: 1 << 25,
} as const;

/** How a bind that is also read-only (or nosuid, …) must be split over two calls. */
export const remountFlags = {
  bindOnly: ms.bind | ms.rec,
  recursive: ms.rec,
  bind: ms.bind,
  remount: ms.remount,
} as const;

// Word → [flag, whether the word clears it].
const flagWords: Readonly<Record<string, readonly [number, boolean]>> = {
  async: [ms.synchronous, true],
  atime: [ms.noatime, true],
  bind: [ms.bind, false],
  defaults: [0, false],
  dev: [ms.nodev, true],
  diratime: [ms.nodiratime, true],
  dirsync: [ms.dirsync, false],
  exec: [ms.noexec, true],
  lazytime: [ms.lazytime, false],
  mand: [ms.mandlock, false],
  noatime: [ms.noatime, false],
  nodev: [ms.nodev, false],
  nodiratime: [ms.nodiratime, false],
  noexec: [ms.noexec, false],
  nolazytime: [ms.lazytime, true],
  nomand: [ms.mandlock, true],
  norelatime: [ms.relatime, true],
  nostrictatime: [ms.strictatime, true],
  nosuid: [ms.nosuid, false],
  nosymfollow: [ms.nosymfollow, false],
  rbind: [ms.bind | ms.rec, false],
  relatime: [ms.relatime, false],
  remount: [ms.remount, false],
  ro: [ms.rdonly, false],
  rw: [ms.rdonly, true],
  silent: [ms.silent, false],
  strictatime: [ms.strictatime, false],
  suid: [ms.nosuid, true],
  symfollow: [ms.nosymfollow, true],
  sync: [ms.synchronous, false],
};

const propagationWords: Readonly<Record<string, number>> = {
  private: ms.private,
  rprivate: ms.private | ms.rec,
  shared: ms.shared,
  rshared: ms.shared | ms.rec,
  slave: ms.slave,
  rslave: ms.slave | ms.rec,
  unbindable: ms.unbindable,
  runbindable: ms.unbindable | ms.rec,
};

/** Sorts options into flags, propagation and the filesystem's own; a later word wins over an earlier one. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  let flags = 0;
  const propagation: number[] = [];
  const data: string[] = [];
  for (const option of options) {
    const word = Object.hasOwn(flagWords, option) ? flagWords[option] : undefined;
    if (word !== undefined) flags = word[1] ? flags & ~word[0] : flags | word[0];
    else if (Object.hasOwn(propagationWords, option)) propagation.push(propagationWords[option] ?? 0);
    else data.push(option);
  }
  return { flags, bind: (flags & ms.bind) !== 0 && (flags & ms.remount) === 0, propagation, data };
}
