import { expect, test } from 'bun:test';
import {
  allPlatforms,
  anyPlatform,
  defaultPlatform,
  formatPlatform,
  normalizePlatform,
  onlyPlatform,
  orderedPlatforms,
  type Platform,
  parsePlatform,
  runnableOn,
} from './platform.ts';

const here = formatPlatform(defaultPlatform());
const architecture = defaultPlatform().architecture;

test('platforms are read under all their names', () => {
  const table: [string, string][] = [
    ['linux', here],
    [architecture, here],
    ['x86_64', 'linux/amd64'],
    ['X86-64', 'linux/amd64'],
    ['i386', 'linux/386'],
    ['aarch64', 'linux/arm64'],
    ['arm', 'linux/arm'],
    ['armhf', 'linux/arm'],
    ['armel', 'linux/arm/v6'],
    ['macos', `darwin/${architecture}`],
    ['Linux/AMD64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v2', 'linux/amd64/v2'],
    ['linux/arm', 'linux/arm'],
    ['linux/arm/7', 'linux/arm/v7'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['linux/arm64', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64/v8'],
    ['linux/arm64/v9', 'linux/arm64/v9'],
    ['foo/bar', 'foo/bar'],
    ['foo/bar/baz', 'foo/bar/baz'],
    ['unknown/unknown', 'unknown/unknown'],
    ['windows(10.0.17763)/amd64', 'windows(10.0.17763)/amd64'],
  ];
  for (const [text, wanted] of table) expect([text, formatPlatform(parsePlatform(text))]).toEqual([text, wanted]);
});

test("what is no platform is refused in containerd's words", () => {
  const rule = 'platform specifier component must match "^[A-Za-z0-9_-]+$": invalid argument';
  const table: [string, string][] = [
    ['linux/*', '"linux/*": wildcards not yet supported: invalid argument'],
    ['foo', '"foo": unknown operating system or architecture: invalid argument'],
    ['linux/a/b/c', '"linux/a/b/c": cannot parse platform specifier: invalid argument'],
    ['linux/a b', `"a b" is an invalid component of "linux/a b": ${rule}`],
    ['', `"" is an invalid component of "": ${rule}`],
    ['linux/', `"" is an invalid component of "linux/": ${rule}`],
    ['linux/amd64(1)', `"amd64(1)" is an invalid component of "linux/amd64(1)": ${rule}`],
  ];
  for (const [text, message] of table) expect(() => parsePlatform(text)).toThrow(message);
  expect(() => parsePlatform('x'.repeat(1_000_000))).toThrow('invalid argument');
});

test('normalising gives one name to one thing and keeps the rest', () => {
  expect(
    normalizePlatform({ os: '', architecture: 'x86_64', variant: 'V1', osVersion: '1', osFeatures: ['f'] }),
  ).toEqual({
    os: 'linux',
    architecture: 'amd64',
    osVersion: '1',
    osFeatures: ['f'],
  });
  expect(normalizePlatform({ os: 'linux', architecture: 'arm' })).toEqual({
    os: 'linux',
    architecture: 'arm',
    variant: 'v7',
  });
  expect(normalizePlatform({ os: 'linux', architecture: 'aarch64', variant: 'v8' })).toEqual({
    os: 'linux',
    architecture: 'arm64',
  });
});

test('a processor also runs what came before it, in order', () => {
  const names = (text: string) => runnableOn(parsePlatform(text)).map(formatPlatform);
  expect(names('linux/amd64')).toEqual(['linux/amd64', 'linux/386']);
  expect(names('linux/amd64/v3')).toEqual(['linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64', 'linux/386']);
  expect(names('linux/arm/v7')).toEqual(['linux/arm/v7', 'linux/arm/v6', 'linux/arm/v5']);
  expect(names('linux/arm/v5')).toEqual(['linux/arm/v5']);
  const arm = ['linux/arm/v8', 'linux/arm/v7', 'linux/arm/v6', 'linux/arm/v5'];
  expect(names('linux/arm64/v8')).toEqual(['linux/arm64', ...arm]);
  expect(names('linux/arm64/v9')).toEqual(['linux/arm64/v9', 'linux/arm64', ...arm]);
  expect(names('linux/s390x')).toEqual(['linux/s390x']);
  expect(names('linux/amd64/v99999999999')).toHaveLength(2);
});

const choose = (wanted: string, offered: string[]) => {
  const matcher = onlyPlatform(parsePlatform(wanted));
  return offered.map(parsePlatform).filter(matcher.match).sort(matcher.compare).map(formatPlatform);
};

test('the best of an index is found first', () => {
  const index = [
    'linux/386',
    'linux/arm/v5',
    'linux/arm64',
    'linux/amd64',
    'linux/arm/v7',
    'windows/amd64',
    'unknown/unknown',
  ];
  expect(choose('linux/amd64', index)).toEqual(['linux/amd64', 'linux/386']);
  expect(choose('linux/arm64', index)).toEqual(['linux/arm64', 'linux/arm/v7', 'linux/arm/v5']);
  expect(choose('linux/arm/v6', index)).toEqual(['linux/arm/v5']);
  expect(choose('linux/ppc64le', index)).toEqual([]);
});

test('windows looks at its version, linux does not', () => {
  const windows: Platform = { os: 'windows', architecture: 'amd64', osVersion: '10.0.1' };
  expect(onlyPlatform(windows).match({ ...windows, osVersion: '10.0.2' })).toBe(false);
  expect(onlyPlatform({ os: 'windows', architecture: 'amd64' }).match(windows)).toBe(true);
  expect(
    onlyPlatform({ os: 'linux', architecture: 'amd64', osVersion: '6' }).match({ os: 'linux', architecture: 'amd64' }),
  ).toBe(true);
});

test('lists keep their order, or have none', () => {
  const [amd, arm, s390] = ['linux/amd64', 'linux/arm64', 'linux/s390x'].map(parsePlatform) as [
    Platform,
    Platform,
    Platform,
  ];
  expect([amd, s390, arm].sort(orderedPlatforms(arm, amd).compare)).toEqual([arm, amd, s390]);
  expect([s390, arm, amd].sort(anyPlatform(amd, arm).compare)).toEqual([arm, amd, s390]);
  expect([s390, arm].filter(allPlatforms.match)).toEqual([s390, arm]);
});

test('features of the operating system stand behind its version, and are escaped where they must be', () => {
  const cases: readonly (readonly [string, Platform])[] = [
    ['linux(+erofs)/amd64', { os: 'linux', architecture: 'amd64', osFeatures: ['erofs'] }],
    [
      'windows(10.0.17763+win32k)/amd64',
      { os: 'windows', architecture: 'amd64', osVersion: '10.0.17763', osFeatures: ['win32k'] },
    ],
    [
      'linux(1%2B2+a%2Fb+c)/arm64/v8',
      { os: 'linux', architecture: 'arm64', variant: 'v8', osVersion: '1+2', osFeatures: ['a/b', 'c'] },
    ],
  ];
  for (const [text, platform] of cases) {
    expect(parsePlatform(text)).toEqual(platform);
    expect(formatPlatform(platform)).toBe(text);
  }
  expect(formatPlatform({ os: 'linux', architecture: 'amd64', osFeatures: ['b', 'a'] })).toBe('linux(+a+b)/amd64');
  for (const text of ['linux(+)/amd64', 'linux(+a/b)/amd64', 'linux(%zz)/amd64', 'amd64(+a)'])
    expect(() => parsePlatform(text)).toThrow(/invalid argument/);
});

test('what needs features of the operating system matches where all of them are', () => {
  const linux = { os: 'linux', architecture: 'amd64' };
  const able = onlyPlatform({ ...linux, osFeatures: ['b', 'a', 'a'] });
  const matches = (...osFeatures: string[]) => able.match({ ...linux, osFeatures });
  expect([matches(), matches('a'), matches('b', 'a'), matches('c'), matches('a', 'c')]).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(onlyPlatform(linux).match({ ...linux, osFeatures: ['a'] })).toBe(false);
});
