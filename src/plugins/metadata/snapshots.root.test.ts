import { silent } from '#base/log';
import { snapshotterSuite } from '#core/snapshots/snapshotter.suite';
import { OverlaySnapshotter } from '#plugins/snapshots/overlayfs/overlay-snapshotter';
import { mountedSubject } from '#plugins/snapshots/shared/mounted-subject.fixture';
import { openTestMetadata } from './metadata.fixture.ts';

// The same promises, through the rows.
snapshotterSuite('metadata over overlayfs', async () => {
  const options = { mountOptions: ['index=off'], upperdirLabel: false, syncRemove: false, log: silent };
  const subject = await mountedSubject('/dev/shm', (root) => OverlaySnapshotter.open(root, options));
  const opened = await openTestMetadata({ snapshotters: new Map([['overlayfs', subject.store]]) });
  const store = opened.metadata.snapshotters.get('overlayfs');
  if (store === undefined) throw new Error('no snapshotter');
  return {
    ...subject,
    store,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await subject[Symbol.asyncDispose]();
    },
  };
});
