import { failedPrecondition } from '#base/errors';

/** For snapshotters whose trees contain their parents'. @throws failed_precondition when a parent is given at the commit */
export function requireNoRebase(key: string, parent: string | undefined): void {
  if (parent === undefined || parent === '') return;
  throw failedPrecondition(`snapshot ${JSON.stringify(key)} cannot get a parent at its commit with this snapshotter`);
}
