import { expect, test } from 'bun:test';
import { openTransport } from '#rpc/transport';
import { DebianContainerd } from '../bench/debian-containerd.ts';
import { startDaemon } from '../support/daemon.ts';
import { compareFilters } from './differential/filters.ts';

// Filters that are put together by chance mean the same to both daemons: which images they choose, or that they are none.

test('filters by chance', async () => {
  await using theirs = await DebianContainerd.start('/dev/shm');
  await using ours = await startDaemon({ parent: '/dev/shm' });
  using toThem = openTransport(theirs.address);
  using toUs = openTransport(ours.address);
  const { different, outcomes } = await compareFilters(toThem, toUs);
  expect(different).toEqual([]);
  expect(outcomes.size).toBeGreaterThan(6);
}, 120_000);
