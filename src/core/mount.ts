/** One mount to make, in the order given: as containerd's `types.Mount`. */
export interface Mount {
  /** `bind`, `overlay`, `btrfs`, … */
  readonly type: string;
  readonly source: string;
  /** A path below the common target; empty for the target itself. */
  readonly target: string;
  /** As in fstab: `ro`, `rbind`, `lowerdir=a:b`, … */
  readonly options: readonly string[];
}
