import { expect, test } from 'bun:test';
import { isFault, messageOf } from '#base/errors';
import { splitFields } from './csv.ts';
import { parseBps, parseDevice, parseDeviceRule, parseGpus, parseIops, parseWeight } from './device.ts';
import { parseEnv, parseEnvFile, parseLabel } from './environment.ts';
import { parseAddHost, parseAddress, parseDnsSearch } from './hosts.ts';
import { parseCpus, parseUlimit } from './limits.ts';
import { parseLog } from './log.ts';
import { parseNamespaceMode } from './namespaces.ts';
import { parseMac, parseNetwork, plainNetwork } from './network.ts';
import { parseExpose, parsePublish } from './ports.ts';
import { parseRestart } from './restart.ts';
import { parseSecurityOptions } from './security.ts';
import { parseSignal } from './signal.ts';
import { parseSize, parseSizeOrUnlimited } from './size.ts';
import { parseSysctl } from './sysctl.ts';

/** Each of the texts is refused with words that begin so. What docker 28.5 says was observed. */
function refuses(read: (text: string) => unknown, cases: Readonly<Record<string, string>>): void {
  for (const [text, words] of Object.entries(cases)) {
    let said = 'nothing';
    try {
      read(text);
    } catch (thrown) {
      expect(isFault(thrown, 'invalid_argument') || isFault(thrown, 'not_implemented')).toBe(true);
      said = messageOf(thrown);
    }
    expect([text, said.startsWith(words) ? words : said]).toEqual([text, words]);
  }
}

test('sizes', () => {
  expect(['10', '10b', '10k', '10K', '1.5m', '1 MiB', '2gb', '0.5Tib', '.5k', '0'].map(parseSize)).toEqual([
    10,
    10,
    10_240,
    10_240,
    1_572_864,
    1 << 20,
    2 * 2 ** 30,
    2 ** 39,
    512,
    0,
  ]);
  expect(parseSizeOrUnlimited('-1')).toBe(-1);
  refuses(parseSize, {
    x: "invalid size: 'x'",
    '-1': "invalid size: '-1'",
    '10q': "invalid suffix: 'q'",
    '': "invalid size: ''",
    '10ib': "invalid suffix: 'ib'",
    '9999999p': 'invalid size',
  });
});

test('processors and limits of processes', () => {
  expect(['1.5', '1/2', '2', '0', '.25'].map(parseCpus)).toEqual([15e8, 5e8, 2e9, 0, 25e7]);
  refuses(parseCpus, {
    x: 'failed to parse x as a rational number',
    '0.0000000001': 'value is too precise',
    '1/0': 'failed to parse',
  });
  expect(parseUlimit('nofile=1024:2048')).toEqual({ name: 'nofile', soft: 1024, hard: 2048 });
  expect(parseUlimit('core=unlimited')).toEqual({ name: 'core', soft: -1, hard: -1 });
  refuses(parseUlimit, {
    x: 'invalid ulimit argument: x',
    'foo=3': 'invalid ulimit type: foo',
    'nofile=5:3': 'ulimit soft limit must be less than or equal to hard limit: 5 > 3',
    'nofile=1:2:3': 'too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`',
    'nofile=a': 'invalid ulimit value',
    'nofile=-1:5': 'ulimit soft limit must be less',
  });
});

test('devices', () => {
  expect(parseDevice('/dev/a')).toEqual({ source: '/dev/a', target: '/dev/a', access: 'rwm' });
  expect(parseDevice('/dev/a:rw')).toEqual({ source: '/dev/a', target: '/dev/a', access: 'rw' });
  expect(parseDevice('/dev/a:/dev/b:r')).toEqual({ source: '/dev/a', target: '/dev/b', access: 'r' });
  expect(parseDevice('vendor.com/class=name')).toEqual({ cdi: 'vendor.com/class=name' });
  refuses(parseDevice, {
    '': 'bad format for path: ',
    '/a:/b:c': 'bad mode specified: c',
    '/a:/b:rw:x': 'bad format for path: /a:/b:rw:x',
    '/a:/b:rr': 'bad mode specified: rr',
    '/a:b': 'b is not an absolute path',
  });
  expect(parseDeviceRule('c 1:3 rwm')).toEqual({ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' });
  expect(parseDeviceRule('a *:* r')).toEqual({ allow: true, type: 'a', access: 'r' });
  refuses(parseDeviceRule, {
    x: "invalid device cgroup format 'x'",
    'c 1:3 rwx': "invalid device cgroup format 'c 1:3 rwx'",
  });
  expect(parseBps('/dev/a:1mb')).toEqual({ path: '/dev/a', rate: 1 << 20 });
  expect(parseIops('/dev/a:10')).toEqual({ path: '/dev/a', rate: 10 });
  expect(parseWeight('/dev/a:10')).toEqual({ path: '/dev/a', weight: 10 });
  refuses(parseBps, {
    x: 'bad format: x',
    'dev:1': 'bad format for device path: dev:1',
    '/dev/a:x': 'invalid rate for device: /dev/a:x. The correct format is <device-path>:<number>[<unit>].',
  });
  refuses(parseIops, {
    '/dev/a:-1': 'invalid rate for device: /dev/a:-1. The correct format is <device-path>:<number>.',
  });
  refuses(parseWeight, { a: 'bad format: a', '/dev/a:5': 'invalid weight for device: /dev/a:5' });
  expect([parseGpus('all').count, parseGpus('2').count, parseGpus('"device=0,1"').devices]).toEqual([
    -1,
    2,
    ['0', '1'],
  ]);
  refuses(parseGpus, {
    'x=y': "unexpected key 'x' in 'x=y'",
    'count=1,device=0': 'cannot set both Count and DeviceIDs',
  });
});

test('ports', () => {
  const one = (hostIp: string, first: number, last: number, containerPort: number, protocol = 'tcp') => ({
    hostIp,
    hostPorts: [first, last],
    containerPort,
    protocol,
  });
  expect(parsePublish('80')).toEqual([one('', 0, 0, 80)] as never);
  expect(parsePublish('8080:80/udp')).toEqual([one('', 8080, 8080, 80, 'udp')] as never);
  expect(parsePublish('127.0.0.1::80')).toEqual([one('127.0.0.1', 0, 0, 80)] as never);
  expect(parsePublish('[::1]:8000-8001:80-81/sctp')).toEqual([
    one('::1', 8000, 8000, 80, 'sctp'),
    one('::1', 8001, 8001, 81, 'sctp'),
  ] as never);
  expect(parsePublish('8000-8010:80')).toEqual([one('', 8000, 8010, 80)] as never);
  expect(parsePublish('target=80,published=8080,protocol=udp')).toEqual([one('', 8080, 8080, 80, 'udp')] as never);
  expect(parsePublish(':80')).toEqual([one('', 0, 0, 80)] as never);
  refuses(parsePublish, {
    abc: 'Invalid containerPort: abc',
    '80:': 'No port specified: 80:<empty>',
    '80/foo': 'Invalid proto: foo',
    '1.2.3:80:80': 'Invalid ip address: 1.2.3',
    '99999:80': 'Invalid hostPort: 99999',
    '80-82:90-91': 'Invalid ranges specified for container and host Ports',
    '80:80:80:80': 'Invalid ip address: 80:80',
    'target=80,foo=1': "invalid field 'foo=1'",
  });
  expect(parseExpose('80-81/udp')).toEqual([
    { port: 80, protocol: 'udp' },
    { port: 81, protocol: 'udp' },
  ]);
  refuses(parseExpose, {
    x: 'invalid range format for --expose: x, error: strconv.ParseUint: parsing "x": invalid syntax',
    '80-70': 'invalid range format for --expose: 80-70, error: Invalid range specified for the Port: 80-70',
    '80:80': 'invalid port format for --expose: 80:80',
  });
});

test('networks and names', () => {
  expect(parseNetwork('front')).toEqual(plainNetwork('front'));
  expect(parseNetwork('ns:/run/x=y')).toEqual(plainNetwork('ns:/run/x=y'));
  expect(parseNetwork('name=x,alias=a,alias=b,ip=10.0.0.1,mac-address=02-42-AC-11-00-02')).toEqual({
    ...plainNetwork('x'),
    aliases: ['a', 'b'],
    ip: '10.0.0.1',
    mac: '02:42:ac:11:00:02',
  });
  refuses(parseNetwork, {
    'name=x,foo=bar': 'invalid field key foo',
    'alias=x': 'network name/id is not specified',
    '': 'no name set for network',
    'name=x,ip=1': 'invalid IPv4 address: 1',
  });
  refuses(parseMac, { x: 'x is not a valid mac address' });
  expect(
    [parseAddHost('a:1.2.3.4'), parseAddHost('a=::1'), parseAddHost('a:[::1]'), parseAddHost('a:host-gateway')].map(
      ({ address }) => address,
    ),
  ).toEqual(['1.2.3.4', '::1', '::1', 'host-gateway']);
  refuses(parseAddHost, { x: 'bad format for add-host: "x"', 'a:b': 'invalid IP address in add-host: "b"' });
  refuses(parseAddress, { x: 'IP address is not correctly formatted: x' });
  refuses(parseDnsSearch, { 'a b': 'a b is not a valid domain' });
});

test('environments and labels', () => {
  const own = { HOME: '/root', EMPTY: '' };
  expect(['A=b', 'A=', 'HOME', 'EMPTY', 'GONE'].map((text) => parseEnv(text, own))).toEqual([
    'A=b',
    'A=',
    'HOME=/root',
    'EMPTY=',
    'GONE',
  ]);
  refuses((text) => parseEnv(text, own), {
    '': 'invalid environment variable: ',
    '=x': 'invalid environment variable: =x',
  });
  expect(parseEnvFile('\ufeff# no\n\nA=b c \r\n  B==\nHOME\nGONE\n', 'f', own)).toEqual([
    'A=b c ',
    'B==',
    'HOME=/root',
  ]);
  refuses((text) => parseEnvFile(text, 'f', own), {
    'a b=c': "invalid env file (f): variable 'a b' contains whitespaces",
    '=c': "invalid env file (f): no variable name on line '=c'",
  });
  expect([parseLabel('a=b=c'), parseLabel('a')]).toEqual([
    ['a', 'b=c'],
    ['a', ''],
  ]);
  refuses(parseLabel, { '=x': "invalid label '=x': empty name", '': "invalid label '': empty name" });
});

test('policies, walls, namespaces, parameters and signals', () => {
  expect(parseRestart('on-failure:5')).toEqual({ name: 'on-failure', retries: 5 });
  refuses(parseRestart, {
    foo: "invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    'on-failure:x': 'invalid restart policy format: maximum retry count must be an integer',
    'always:3': "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    'on-failure:-1': 'invalid restart policy: maximum retry count cannot be negative',
  });
  expect(
    parseSecurityOptions(['no-new-privileges', 'seccomp=unconfined', 'apparmor:x', 'systempaths=unconfined']),
  ).toMatchObject({ noNewPrivileges: true, seccomp: 'unconfined', apparmor: 'x', systemPathsUnconfined: true });
  refuses((text) => parseSecurityOptions([text]), {
    x: 'Invalid --security-opt: "x"',
    'foo=bar': 'invalid --security-opt 2: "foo=bar"',
    'no-new-privileges=x': 'invalid --security-opt 2',
    'systempaths=x': 'invalid --security-opt 2',
    'label=type:x': '--security-opt label=type:x: SELinux',
  });
  refuses((text) => parseNamespaceMode('ipc', text), { x: 'invalid IPC mode: x', 'container:': 'invalid IPC mode' });
  expect(parseSysctl('net.core.somaxconn=5')).toEqual(['net.core.somaxconn', '5']);
  refuses(parseSysctl, {
    x: "sysctl 'x' is not allowed",
    'a=b': "sysctl 'a=b' is not allowed",
    'kernel.panic=1': "sysctl 'kernel.panic=1' is not allowed",
  });
  expect(['TERM', 'sigkill', '9', 'RTMIN+3', 'SIGRTMAX-1'].map(parseSignal)).toEqual([15, 9, 9, 37, 63]);
  refuses(parseSignal, { FOO: 'invalid signal: FOO', '0': 'invalid signal: 0', '65': 'invalid signal: 65' });
});

test('logs and fields', () => {
  expect(parseLog('', ['max-size=10m'])).toEqual({ driver: 'json-file', options: { 'max-size': '10m' } });
  refuses((text) => parseLog('json-file', [text]), {
    x: "unknown log opt 'x' for json-file log driver",
    'max-size=x': "invalid size: 'x'",
    'max-file=0': 'max-file cannot be less than 1',
    'compress=true': 'log opt compress',
    'mode=non-blocking': 'log opt mode=non-blocking',
  });
  refuses((text) => parseLog('none', [text]), { 'a=b': 'invalid logging opts for driver none' });
  refuses((text) => parseLog(text, []), { foo: 'error looking up logging plugin foo: plugin "foo" not found' });
  expect(splitFields('a=1,"b=2,3","c=""x"""')).toEqual(['a=1', 'b=2,3', 'c="x"']);
  refuses(splitFields, { '': 'EOF', 'a"b': 'parse error', '"a': 'parse error' });
});
