import { expect, test } from 'bun:test';
import { displayWidth, ellipsis } from './display-width.ts';
import { parseMoment } from './docker-time.ts';
import { bytesSize, humanDuration, humanSize, shortId } from './units.ts';

test('sizes have three digits in powers of 1000, and four in powers of 1024', () => {
  expect([0, 999, 1982270, 4.26e6, 98765432, 1.5e9].map((each) => humanSize(each))).toEqual([
    '0B',
    '999B',
    '1.98MB',
    '4.26MB',
    '98.8MB',
    '1.5GB',
  ]);
  expect(humanSize(1982270, 4)).toBe('1.982MB');
  expect([0, 1023, 1024, 67108864, 16697622528].map(bytesSize)).toEqual(['0B', '1023B', '1KiB', '64MiB', '15.55GiB']);
});

test("durations are told in docker's words", () => {
  const second = 1000;
  const hour = 3_600_000;
  const table: readonly (readonly [number, string])[] = [
    [450, 'Less than a second'],
    [second, '1 second'],
    [59 * second, '59 seconds'],
    [60 * second, 'About a minute'],
    [46 * 60 * second, '46 minutes'],
    [60 * 60 * second, 'About an hour'],
    [3 * hour, '3 hours'],
    [48 * hour, '2 days'],
    [7 * 24 * hour, '7 days'],
    [14 * 24 * hour, '2 weeks'],
    [60 * 24 * hour, '2 months'],
    [3 * 365 * 24 * hour, '3 years'],
  ];
  for (const [ms, words] of table) expect(humanDuration(ms)).toBe(words);
});

test('ids are cut behind their algorithm', () => {
  expect([shortId('sha256:0123456789abcdef'), shortId('0123456789abcdef')]).toEqual(['0123456789ab', '0123456789ab']);
});

test('text is cut by columns, of which wide characters take two', () => {
  expect(displayWidth('a日é\u0301')).toBe(4);
  expect(ellipsis('sleep 1000 日本語日本語', 20)).toBe('sleep 1000 日本語日…');
  expect([ellipsis('short', 5), ellipsis('longer', 5), ellipsis('x', 0)]).toEqual(['short', 'long…', '']);
});

test('moments are durations before the present, seconds, or dates in the zone that they name or the machine has', () => {
  const present = { seconds: 1_700_000_000, nanos: 500 };
  const read = (text: string) => parseMoment(text, present);
  expect(read('1h30m')).toEqual({ seconds: 1_699_994_600, nanos: 500 });
  expect(read('-10s')).toEqual({ seconds: 1_700_000_010, nanos: 500 });
  expect(read('1136073600.000000001')).toEqual({ seconds: 1_136_073_600, nanos: 1 });
  expect(read('0')).toEqual({ seconds: 0, nanos: 0 });
  expect(read('2006-01-02T15:04:05.999999999Z')).toEqual({ seconds: 1_136_214_245, nanos: 999_999_999 });
  expect(read('2006-01-02T15:04+01:00')).toEqual({ seconds: 1_136_210_640, nanos: 0 });
  expect(read('2006-01-02')).toEqual({ seconds: new Date(2006, 0, 2).getTime() / 1000, nanos: 0 });
  for (const bad of ['', 'x', '2006-13-02', '2006-01-02 10:00', '1.5.5'])
    expect(() => read(bad)).toThrow('failed to parse value');
});
