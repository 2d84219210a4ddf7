import { expect, test } from 'bun:test';
import { blockIoOf, parseBlockIoClasses } from './block-io.ts';

const disks = (pattern: string) =>
  ({
    '/dev/sda': [{ major: 8, minor: 0 }],
    '/dev/sd*': [
      { major: 8, minor: 0 },
      { major: 8, minor: 16 },
    ],
  })[pattern] ?? [];

test('weights and rates of a class become those of its disks; later entries win', () => {
  const classes = parseBlockIoClasses({
    Classes: {
      slow: [
        { Weight: 80 },
        { Devices: ['/dev/sd*', '/dev/none'], ThrottleReadBps: '60M', ThrottleWriteIOPS: 500, Weight: 50 },
        { Devices: ['/dev/sda'], ThrottleReadBps: '2Gi' },
      ],
    },
  });
  expect(blockIoOf(classes.get('slow') ?? [], disks)).toEqual({
    weight: 80,
    weightDevice: [
      { major: 8, minor: 0, weight: 50 },
      { major: 8, minor: 16, weight: 50 },
    ],
    throttleReadBpsDevice: [
      { major: 8, minor: 0, rate: 2 * 2 ** 30 },
      { major: 8, minor: 16, rate: 60_000_000 },
    ],
    throttleWriteIOPSDevice: [
      { major: 8, minor: 0, rate: 500 },
      { major: 8, minor: 16, rate: 500 },
    ],
  });
});

test('what makes no sense is refused with its place', () => {
  for (const [document, words] of [
    [null, 'Classes: missing'],
    [{ Classes: { a: {} } }, 'Classes.a: not a list'],
    [{ Classes: { a: [3] } }, 'Classes.a[0]: not a table'],
    [{ Classes: { a: [{ Wait: 1 }] } }, 'Classes.a[0].Wait: no such field'],
    [{ Classes: { a: [{ Weight: 1 }] } }, 'Classes.a[0].Weight'],
    [{ Classes: { a: [{ Devices: '/dev/sda' }] } }, 'Classes.a[0].Devices'],
    [{ Classes: { a: [{ Devices: ['/dev/sda'], ThrottleReadBps: '-1' }] } }, 'ThrottleReadBps'],
  ] as const)
    expect(() => parseBlockIoClasses(document)).toThrow(words);
  const bare = parseBlockIoClasses({ Classes: { a: [{ ThrottleReadBps: 1 }] } }).get('a') ?? [];
  expect(() => blockIoOf(bare, disks)).toThrow('the entry names none');
});
