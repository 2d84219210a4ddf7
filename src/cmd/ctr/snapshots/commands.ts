import commitSnapshot from './commit.ts';
import deleteSnapshot from './delete.ts';
import diffSnapshots from './diff.ts';
import snapshotInfo from './info.ts';
import labelSnapshot from './label.ts';
import listSnapshots from './list.ts';
import { prepare, view } from './make.ts';
import snapshotMounts from './mounts.ts';
import snapshotTree from './tree.ts';
import unpackSnapshot from './unpack.ts';
import snapshotUsage from './usage.ts';
import whySnapshot from './why.ts';

export default [
  commitSnapshot,
  diffSnapshots,
  snapshotInfo,
  listSnapshots,
  snapshotMounts,
  prepare,
  deleteSnapshot,
  labelSnapshot,
  snapshotTree,
  unpackSnapshot,
  snapshotUsage,
  view,
  whySnapshot,
];

export { snapshotFlags as flags } from './session.ts';
