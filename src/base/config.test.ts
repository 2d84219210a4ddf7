import { expect, test } from 'bun:test';
import { parse } from 'smol-toml';
import {
  duration,
  flag,
  list,
  map,
  nearest,
  number,
  oneOf,
  opaque,
  type Place,
  type RawTable,
  table,
  text,
} from './config.ts';
import { formatReference } from './config-reference.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { isFault, messageOf } from './errors.ts';
import { formatToml } from './toml.ts';

const declared = table({
  path: text({ default: '/opt', help: 'Where it is.' }),
  eager: flag({ default: true }),
  share: number({ default: 0.02, fraction: true, min: 0, max: 0.5 }),
  count: number({ default: 100, min: 1 }),
  wait: duration({ default: '100ms', help: 'How long.' }),
  policy: oneOf(['shared', 'isolated'], { default: 'shared' }),
  hosts: list(text(), { default: ['a'] }),
  limits: map(number()),
  options: opaque(),
  inner: table({ depth: number({ default: 3 }) }, { help: 'Inside.' }),
});

function placeIn(unknown: string[] = []): Place {
  return {
    file: '/etc/c.toml',
    path: ['plugins', 'io.x.v1.y'],
    unknown: (path, suggestion) =>
      unknown.push(`${path.join('/')}${suggestion === undefined ? '' : ` (${suggestion})`}`),
  };
}

function refusal(toml: string): string {
  try {
    declared.read(parse(toml), placeIn());
  } catch (thrown) {
    expect(isFault(thrown, 'invalid_argument')).toBe(true);
    return messageOf(thrown);
  }
  throw new Error(`accepted: ${toml}`);
}

test('missing keys have their defaults', () => {
  expect(declared.read({}, placeIn())).toEqual({
    path: '/opt',
    eager: true,
    share: 0.02,
    count: 100,
    wait: 100,
    policy: 'shared',
    hosts: ['a'],
    limits: {},
    options: {},
    inner: { depth: 3 },
  });
});

test('values are read from TOML, durations as milliseconds', () => {
  const toml =
    'eager = false\nwait = "1m30s"\nhosts = []\nlimits = { a = 1 }\ninner.depth = 4\n[options]\nBinaryName = "crun"';
  expect(declared.read(parse(toml), placeIn())).toMatchObject({
    eager: false,
    wait: 90_000,
    hosts: [],
    limits: { a: 1 },
    inner: { depth: 4 },
    options: { BinaryName: 'crun' },
  });
});

test('an error names file, table and key, and says what was wanted', () => {
  const at = '/etc/c.toml: plugins."io.x.v1.y"';
  expect(refusal('path = 1')).toBe(`${at}: path: wanted a string, got 1: invalid argument`);
  expect(refusal('eager = "yes"')).toBe(`${at}: eager: wanted true or false, got "yes": invalid argument`);
  expect(refusal('count = 1.5')).toBe(`${at}: count: wanted a whole number from 1, got 1.5: invalid argument`);
  expect(refusal('count = 0')).toBe(`${at}: count: wanted a whole number from 1, got 0: invalid argument`);
  expect(refusal('share = 0.7')).toBe(`${at}: share: wanted a number from 0 to 0.5, got 0.7: invalid argument`);
  expect(refusal('wait = 5')).toBe(`${at}: wait: wanted a duration such as "10s" or "1m30s", got 5: invalid argument`);
  expect(refusal('policy = "open"')).toBe(`${at}: policy: wanted "shared" or "isolated", got "open": invalid argument`);
  expect(refusal('hosts = ["a", 2]')).toBe(`${at}.hosts: 1: wanted a string, got 2: invalid argument`);
  expect(refusal('limits.a = []')).toBe(`${at}.limits: a: wanted a whole number, got an array: invalid argument`);
  expect(refusal('inner = 2026-01-01')).toBe(`${at}: inner: wanted a table, got a date: invalid argument`);
  expect(refusal('[[inner]]')).toBe(`${at}: inner: wanted a table, got an array: invalid argument`);
});

test('unknown keys are told of with the nearest known one, and ignored', () => {
  const unknown: string[] = [];
  declared.read(parse('polcy = 1\nzzzzzz = 2\n[inner]\ndpeth = 1\n__proto__ = 1'), placeIn(unknown));
  expect(unknown).toEqual([
    'plugins/io.x.v1.y/polcy (policy)',
    'plugins/io.x.v1.y/zzzzzz',
    'plugins/io.x.v1.y/inner/dpeth (depth)',
    'plugins/io.x.v1.y/inner/__proto__',
  ]);
});

test('what is written reads back as the same', () => {
  const value = {
    ...declared.fallback,
    wait: 1500,
    path: "it's\ta \\ \u007f",
    limits: { 'a.b': 2 },
    hosts: ['x', 'y"z'],
  };
  expect(declared.read(parse(formatToml(declared.write(value) as RawTable)), placeIn())).toEqual(value);
});

test('numbers beyond 2^53 are written as floats, which readers take, and odd ones by their names', () => {
  const raw = {
    a: 2 ** 53,
    b: 1e300,
    c: Number.POSITIVE_INFINITY,
    d: Number.NEGATIVE_INFINITY,
    e: Number.NaN,
    f: -1.5,
  };
  expect(parse(formatToml(raw))).toEqual(raw);
});

test("defaults are printed in containerd's manner with their help", () => {
  expect(
    formatToml(
      { plugins: { 'io.x.v1.y': { wait: '100ms', inner: { depth: 3 } } } },
      { plugins: table({ 'io.x.v1.y': declared }) },
    ),
  ).toBe(
    [
      '[plugins]',
      '',
      "  [plugins.'io.x.v1.y']",
      '    # How long.',
      "    wait = '100ms'",
      '',
      '    # Inside.',
      "    [plugins.'io.x.v1.y'.inner]",
      '      depth = 3',
      '',
    ].join('\n'),
  );
});

test('the reference and the schema come from the same declaration', () => {
  expect(formatReference(declared)).toContain('| `inner.depth` | a whole number | `3` |  |');
  expect(declared.schema).toMatchObject({
    properties: {
      path: { type: 'string', default: '/opt', description: 'Where it is.' },
      policy: { enum: ['shared', 'isolated'] },
      wait: { type: 'string', default: '100ms' },
      inner: { type: 'object', properties: { depth: { type: 'integer', default: 3 } } },
    },
  });
});

test.each([
  ['0s', 0],
  ['1ns', 1e-6],
  ['1.5µs', 0.0015],
  ['100ms', 100],
  ['2s', 2000],
  ['1.25s', 1250],
  ['1m0s', 60_000],
  ['4h0m0s', 14_400_000],
  ['1h0m0.000000002s', 3_600_000.000002],
  ['10m20s', 620_000],
  ['-1m30s', -90_000],
])('a duration is written as Go writes it: %s', (text, ms) => {
  expect(formatDuration(ms)).toBe(text);
  expect(parseDuration(text)).toBeCloseTo(ms, 9);
});

test.each(['', '5', 's', '1x', '1s ', '1 s', '--1s', '1s2', '9223372037s'])('%p is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test('the nearest word is near', () => {
  expect(nearest('uuid', ['uid', 'gid', 'address'])).toBe('uid');
  expect(nearest('colour', ['uid', 'gid', 'address'])).toBeUndefined();
});
