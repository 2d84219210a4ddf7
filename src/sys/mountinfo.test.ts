import { expect, test } from 'bun:test';
import { findMount, parseMountTable } from './mountinfo.ts';

test('a row is read with its optional fields and escaped names; half a row is left out', () => {
  const text = [
    String.raw`36 35 98:0 /mnt1 /mnt\040two rw,noatime master:1 shared:2 - ext3 /dev/ro\134ot rw,errors=continue`,
    '37 35 0:5 / / rw - tmpfs tmpfs rw',
    '38 35 0:6 / /half rw',
    '',
  ].join('\n');
  expect(parseMountTable(text)).toEqual([
    {
      id: 36,
      parent: 35,
      major: 98,
      minor: 0,
      root: '/mnt1',
      mountpoint: '/mnt two',
      options: ['rw', 'noatime'],
      propagation: ['master:1', 'shared:2'],
      type: 'ext3',
      source: String.raw`/dev/ro\ot`,
      superOptions: ['rw', 'errors=continue'],
    },
    {
      id: 37,
      parent: 35,
      major: 0,
      minor: 5,
      root: '/',
      mountpoint: '/',
      options: ['rw'],
      propagation: [],
      type: 'tmpfs',
      source: 'tmpfs',
      superOptions: ['rw'],
    },
  ]);
});

test('the table of this process has a root and /proc', () => {
  expect(findMount('/')).toBeDefined();
  expect(findMount('/proc')?.type).toBe('proc');
  expect(findMount('/no/mount/here')).toBeUndefined();
});
