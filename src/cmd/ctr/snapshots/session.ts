import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { Values } from '../../cli/flags.ts';
import type { Session } from '../globals.ts';
import { snapshotterFlag } from '../snapshotter-flag.ts';

/** What stands between `snapshots` and the command. */
export const snapshotFlags = {
  snapshotter: snapshotterFlag,
};

/** Its name. */
export function snapshotterName({ client, scope }: Session, globals: object): Promise<string> {
  return client.snapshotterName(scope, (globals as Partial<Values<typeof snapshotFlags>>).snapshotter ?? '');
}

/** The snapshotter that the command line chose; without a word of it, the namespace's default. */
export function chosenSnapshotter({ client, scope }: Session, globals: object): Promise<Snapshotter> {
  return client.snapshotter(scope, (globals as Partial<Values<typeof snapshotFlags>>).snapshotter ?? '');
}
