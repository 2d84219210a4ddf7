import { expect, test } from 'bun:test';
import { formatAge, formatBytes, formatDecimalBytes } from './humanize.ts';
import { alignTabs, narrow, tabbed, wide } from './tabwriter.ts';

test('columns are as wide as their widest cell and text after the last tab widens nothing', () => {
  expect(alignTabs('TASK\tPID\tSTATUS\t\na-long-name\t7\tRUNNING and more\n', wide)).toBe(
    'TASK           PID    STATUS    \na-long-name    7      RUNNING and more\n',
  );
  expect(alignTabs('REF\tTYPE\t\nx\ty\t\n', narrow)).toBe('REF TYPE \nx   y    \n');
});

test('a column ends where a line has no such cell', () => {
  expect(alignTabs('a\tb\t\nlonger text\nccc\td\t\n', narrow)).toBe('a b \nlonger text\nccc d \n');
});

test('with tabs as padding columns end at tab stops', () => {
  expect(alignTabs('DIGEST\tSIZE\tAGE\nsha256:0123\t2B\t1 hour\n', tabbed)).toBe(
    'DIGEST\t\tSIZE\tAGE\nsha256:0123\t2B\t1 hour\n',
  );
});

test("the content store's sizes have four digits and powers of 1000", () => {
  expect([422, 1031369, 412_000_000, 999_999].map(formatDecimalBytes)).toEqual(['422B', '1.031MB', '412MB', '1000kB']);
});

test('sizes and ages read as ctr prints them', () => {
  expect([0, 1023, 1024, 411 * 1024 * 1024].map(formatBytes)).toEqual(['0.0 B', '1023.0 B', '1.0 KiB', '411.0 MiB']);
  expect([500, 1500, 59_000, 61_000, 3_500_000, 3_600_000, 172_800_000].map(formatAge)).toEqual([
    'Less than a second',
    '1 second',
    '59 seconds',
    'About a minute',
    '58 minutes',
    'About an hour',
    '2 days',
  ]);
});
